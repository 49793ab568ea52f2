/* product.h - what distinguishes the products; chosen by -DYIMA_PRODUCT_... of build.py. */
#ifndef YIMA_PRODUCT_H
#define YIMA_PRODUCT_H

#if defined(YIMA_PRODUCT_BUS_VALIDATOR)
#define PRODUCT_NAME "yima-bus-validator"
#define PRODUCT_MODE YIMA_MODE_BUS
enum { GATE_OPEN_MS = 500, GATE_HAS_PASSAGE = 0, GATE_HAS_FAULT = 0 };
#elif defined(YIMA_PRODUCT_METRO_GATE)
#define PRODUCT_NAME "yima-metro-gate"
#define PRODUCT_MODE YIMA_MODE_METRO
enum { GATE_OPEN_MS = 5000, GATE_HAS_PASSAGE = 1, GATE_HAS_FAULT = 1 };
#else
#error "no product chosen"
#endif

/* 1 production, 2 test: which parameters, packages and images are taken. The name is that of an image's TLV. */
#ifndef YIMA_ENVIRONMENT
#error "no environment chosen"
#elif YIMA_ENVIRONMENT == 2
#define ENVIRONMENT_NAME "test"
#else
#define ENVIRONMENT_NAME "production"
#endif

enum {
    ENVIRONMENT_TEST = 2,
    REPLAY_CAPACITY = 1024, /* used codes: 50 a minute for 20 minutes */
    REPLAY_INDEX = 2048,
    TABLE_BYTES = 32 * 1024,
    EARLIEST_TIME = 1767225600 /* 2026-01-01: a clock before it was never set */
};
#endif
