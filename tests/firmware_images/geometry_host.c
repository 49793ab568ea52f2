/* geometry_host.c - the firmware's own writers of slots and parameters over a flash with other units and blocks, for
 * test_geometry.py. What parameters say is not looked at here. */
#include "flash.h"
#include "flash_writer.h"
#include "image.h"
#include "parameters_flash.h"
#include "settings.h"

device_settings settings;
static uint32_t operations;

int flash_begins(uint32_t address, const uint8_t *unit) {
    (void)address;
    (void)unit;
    operations++;
    return 1;
}

uint32_t geometry_operations(void) {
    return operations;
}

/* In pieces of some size. */
int geometry_write(uint32_t address, const uint8_t *bytes, uint32_t size, uint32_t piece) {
    flash_writer writer;
    if (!flash_writer_begin(&writer, address, size)) return 0;
    for (uint32_t at = 0; at < size; at += piece) {
        if (!flash_writer_put(&writer, bytes + at, size - at < piece ? size - at : piece)) return 0;
    }
    return writer.done == size;
}

int geometry_parameters(const uint8_t *bytes, uint32_t size) {
    const parameters_in_force none = {0};
    parameters_in_force found;
    const parameters_that_wait nothing = {0};
    const char *why;
    return parameters_begin(&none, &nothing, size, &why) && parameters_write(0, bytes, size) &&
           parameters_finish(&none, &nothing, 0, &why) == PARAMETERS_TAKEN && parameters_find(&found, &why) &&
           found.copy == 0;
}

uint32_t port_slot(void) {
    return 0;
}

void port_watchdog(void) {
}

yima_package_error yima_package_open(yima_package *p, const uint8_t *bytes, size_t size, size_t *offset) {
    (void)p, (void)bytes, (void)size, (void)offset;
    return YIMA_PACKAGE_NOT_A_PACKAGE;
}

yima_package_error yima_package_check(const yima_package *p, const yima_package_trust *trust, int64_t now) {
    (void)p, (void)trust, (void)now;
    return YIMA_PACKAGE_NOT_A_PACKAGE;
}

const char *yima_package_error_name(yima_package_error error) {
    (void)error;
    return "";
}

yima_parameters_error yima_parameters_open(yima_parameters *p, const uint8_t *image, size_t size, size_t *offset) {
    (void)p, (void)image, (void)size, (void)offset;
    return YIMA_PARAMETERS_OK;
}

uint32_t yima_memory_need(const yima_parameters *p) {
    (void)p;
    return 0;
}
