/* replay.c - runs a fuzz target over the files that are named, for a compiler that has no libFuzzer. */
#include "fuzz.h"

int main(int count, char **paths) {
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(paths[i], "rb");
        static uint8_t bytes[1 << 20];
        if (!file) {
            perror(paths[i]);
            return 1;
        }
        const size_t size = fread(bytes, 1, sizeof bytes, file);
        (void)fclose(file);
        (void)fprintf(stderr, "Running: %s\n", paths[i]); /* so that a failure names its file */
        uint8_t *exact = copy_of(bytes, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    return 0;
}
