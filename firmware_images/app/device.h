/* device.h - the device as a whole: the loop of a tap, log and parameters. */
#ifndef YIMA_DEVICE_H
#define YIMA_DEVICE_H
#include "flashlog.h"
#include "parameters_flash.h"
#include "port.h"
#include "yima/loop.h"

typedef struct {
    parameters_in_force parameters;
    parameters_that_wait waiting;
    yima_validator validator;
    yima_loop loop;
    yima_log log;
    uint32_t oldest;   /* the entry that has waited for the station since oldest_at, or the next to be looked at */
    int64_t oldest_at; /* unix seconds; 0: not known of any that waits */
    uint32_t taps;     /* since the start, without repetitions of a presentation */
    uint8_t usable;    /* there are parameters */
    port_fault fault;  /* the newest since power came */
} device_state;

extern device_state device;

/* Opens log and parameters; fills the memory of used codes from the log. Without good settings nobody rides. */
void device_start(int has_settings);

/* New parameters lie in flash: goes over to them. */
void device_reload(void);

/* A package may have come that waits for its time. */
void device_look_for_waiting(void);

/* Time passes: looks at what waits, at the clock, and at who has gone through the gate. */
void device_moment(void);

/* The station has taken entries: there may be room for new ones. */
void device_eased(void);

/* The wall clock, and whether it can be believed. */
yima_moment device_now(void);

/* The station knows the time. 1, or 0: that cannot be. */
int device_set_clock(uint32_t unix_s);

/* The station knows where the bus is. 1, or 0: a metro gate stands where it stands, and so does a device that has no
 * parameters. It holds until the next start, which goes back to the settings. */
int device_place(uint16_t line, uint16_t stop, uint8_t direction);

/* One payload from the scanner: judges it, records it, moves the gate. */
void device_tap(const uint8_t *payload, size_t length);

/* What kind of fault the newest was. */
const char *device_fault_name(void);

/* One piece of work for idle time; 1 if there was one. */
int device_idle(void);
#endif
