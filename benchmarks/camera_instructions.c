/* camera_instructions.c - what the counted paths tell callgrind (benchmarks/camera_paths.py), as a library for ctypes.
 * Outside of valgrind they do nothing. */
#include <valgrind/callgrind.h>

/* From here on instructions are counted, from nought. */
void counting(void) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

/* Has the count written under the path's name, and ends it. */
void counted(const char *path) {
    CALLGRIND_DUMP_STATS_AT(path);
    CALLGRIND_STOP_INSTRUMENTATION;
}
