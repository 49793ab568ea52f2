/* reasons.c - reasons.def as data, for displays and bindings. */
#include "yima/core.h"

const yima_reason_info *yima_reasons(size_t *count) {
    static const yima_reason_info table[] = {
#define YIMA_R(number, name, lab_case, stage, english, chinese)                                                        \
    {(number), (lab_case), YIMA_STAGE_##stage, #name, english, chinese},
#include "reasons.def"
#undef YIMA_R
    };
    *count = sizeof table / sizeof *table;
    return table;
}
