/* device.h - the device as a whole: judge, log, parameters; what a tap goes through. */
#ifndef YIMA_DEVICE_H
#define YIMA_DEVICE_H
#include "flashlog.h"
#include "parameters_flash.h"
#include "yima/core.h"

typedef struct {
    parameters_in_force parameters;
    yima_validator validator;
    yima_log log;
    uint32_t run; /* how often the device has started, by its log */
    uint8_t parameters_digest[YIMA_PARAMETERS_DIGEST];
    uint32_t taps;      /* since the start, without repetitions of a presentation */
    uint8_t usable;     /* there are parameters */
    uint8_t log_failed; /* the last record could not be written */
} device_state;

extern device_state device;

/* Opens log and parameters; refills the memory of used codes from the log. */
void device_start(void);

/* New parameters lie in flash: goes over to them. */
void device_reload(void);

/* One payload from the scanner: judges it, records it, moves the gate. */
void device_tap(const uint8_t *payload, size_t length);

/* The station has acknowledged records: there may be room in the log again. */
void device_eased(void);

/* One piece of work for idle time; 1 if there was one. */
int device_idle(void);
#endif
