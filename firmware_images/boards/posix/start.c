/* start.c - the process: takes the flash file, and lets nobody loop for ever. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench.h"
#include "flash.h"
#include "main.h"

enum { WATCHDOG_S = 8 };

static unsigned long slot;

uint32_t port_slot(void) {
    return slot == PORT_SLOT_B;
}

/* Of the bench's time where the firmware waits, else of processor time: a machine that is busy with something else is
 * no reason. */
void port_watchdog(void) {
    bench.watched_ms = bench.now_ms;
    const struct itimerval limit = {.it_value = {.tv_sec = WATCHDOG_S}};
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

static void ran_out(int number) {
    static const char word[] = "\n0 watchdog 0\n";
    (void)number;
    _exit(write(STDOUT_FILENO, word, sizeof word - 1) < 0);
}

/* Power goes at the operation that was asked for: it is told of, and not done. */
int flash_begins(uint32_t address, const uint8_t *unit) {
    static uint64_t count;
    if (unit) {
        bench_say_bytes("program", address, unit, PORT_FLASH_UNIT);
    } else {
        bench_say_number("erase", address);
    }
    if (count++ == bench.cut) bench_end("power");
    return 1;
}

void port_init(void) {
    signal(SIGVTALRM, ran_out);
    port_watchdog();
    bench_turn();
}

static uint8_t *mapped(const char *path) {
    struct stat found;
    const int file = open(path, O_RDWR);
    if (file < 0 || fstat(file, &found) < 0 || found.st_size != PORT_FLASH_SIZE) return NULL;
    uint8_t *memory = mmap(NULL, PORT_FLASH_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int main(int count, char **words) {
    uint8_t *flash = count == 3 ? mapped(words[1]) : NULL;
    slot = count == 3 ? strtoul(words[2], NULL, 10) : 0;
    if (!flash || (slot != PORT_SLOT_A && slot != PORT_SLOT_B)) {
        fprintf(stderr, "usage: %s FLASH SLOT: a file of %d bytes, which yima board flash makes; an address\n",
                words[0], PORT_FLASH_SIZE);
        return 2;
    }
    flash_use(flash);
    return firmware_main();
}
