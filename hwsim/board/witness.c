/* A QEMU plugin that counts the instructions of each passage from one address to another.
 *
 * Arguments: start=HEX, stop=HEX, out=FILE. Whenever `stop` is reached after `start`, a line with the number of
 * instructions in between goes into the file, `start` counted and `stop` not. The prototypes are QEMU's plugin interface,
 * version 1 (qemu-plugin.h), which Debian does not ship. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb qemu_plugin_tb;
typedef struct qemu_plugin_insn qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb *tb);
extern qemu_plugin_insn *qemu_plugin_tb_get_insn(const qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn *insn, void (*callback)(unsigned, void *),
                                                   int flags, void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t start, stop, executed, began;
static int inside;
static FILE *out;

static void on_instruction(unsigned cpu, void *data) {
    uint64_t address = (uint64_t)(uintptr_t)data;
    (void)cpu;
    if (address == start && !inside) {
        inside = 1;
        began = executed;
    } else if (address == stop && inside) {
        inside = 0;
        fprintf(out, "%llu\n", (unsigned long long)(executed - began));
        fflush(out);
    }
    executed++;
}

static void on_translation(plugin_id id, qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        void *address = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, 0, address);
    }
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "start=", 6)) start = strtoull(argv[i] + 6, NULL, 16);
        if (!strncmp(argv[i], "stop=", 5)) stop = strtoull(argv[i] + 5, NULL, 16);
        if (!strncmp(argv[i], "out=", 4)) out = fopen(argv[i] + 4, "w");
    }
    if (!out) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
