#include "station.h"
int station_run(void) { return 0; }
