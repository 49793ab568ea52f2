/* station.h - the station link: SMP (mcumgr) in its serial console framing. */
#ifndef YIMA_STATION_H
#define YIMA_STATION_H

/* Takes what has come and answers it; 1 if there was something. */
int station_run(void);
#endif
