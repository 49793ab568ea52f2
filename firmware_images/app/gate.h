/* gate.h - the pins: gate release, lamps, buzzer, each for its time. */
#ifndef YIMA_GATE_H
#define YIMA_GATE_H
#include <stdint.h>

/* 0: the gate's mechanism says that it cannot open, so nothing was driven. */
int gate_open(uint64_t now_ms, uint64_t tap);

/* The next tap that was let in of which it is known now whether its rider went through. 1, or 0: there is none. */
int gate_passage(uint64_t *tap, int *passed);
void gate_refuse(uint64_t now_ms);

/* The answer to a presentation that is still in view: lamp only, nothing moves. */
void gate_show_again(int accepted, uint64_t now_ms);

void gate_out_of_service(int is);

/* Lets time pass; drives the pins. */
void gate_run(uint64_t now_ms);
#endif
