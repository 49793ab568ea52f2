/* framing.c - see framing.h; function by function what validator/readers/framing.py does, so that a change there is
 * easily followed here. tests/firmware_images/test_framing.py compares the two. */
#include "framing.h"

#include "runtime.h"

enum {
    SHORTEST = 332,
    LONGEST = 364,
    NOISE = 32,
    TRAILER = 8,
    SIGNAL = 3,
    FORM_MIN = 226,
    FORM_MAX = 512,
    UNKNOWN = -1
};

static int is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* The length of what a scanner may put in front of a code, at `at`: STX (not 02 01), AIM, ECI; 0: none. */
static size_t prefix_at(const uint8_t *bytes, size_t at, size_t end) {
    const size_t left = end - at;
    if (left >= 1 && bytes[at] == 0x02 && !(left >= 2 && bytes[at + 1] == 0x01)) return 1;
    if (left >= 3 && bytes[at] == ']' && bytes[at + 1] == 'Q' && is_digit(bytes[at + 2])) return 3;
    if (left >= 7 && bytes[at] == '\\') {
        for (size_t i = 1; i < 7; i++) {
            if (!is_digit(bytes[at + i])) return 0;
        }
        return 7;
    }
    return 0;
}

static size_t prefixes(const uint8_t *bytes, size_t end) {
    size_t at = 0, step;
    while ((step = prefix_at(bytes, at, end)) != 0) at += step;
    return at;
}

/* As prefixes, and what may stand behind the code before. */
static size_t between(const uint8_t *bytes, size_t end) {
    size_t at = 0;
    while (at < end) {
        const uint8_t c = bytes[at];
        const size_t step = c == 0x03 || c == '\r' || c == '\n' ? 1 : prefix_at(bytes, at, end);
        if (!step) break;
        at += step;
    }
    return at;
}

/* Where the prefixes begin that end at `end`, here with any STX; `end`: there are none. */
static size_t prefixes_ahead(const uint8_t *bytes, size_t end) {
    for (;;) {
        if (end >= 1 && bytes[end - 1] == 0x02) {
            end--;
        } else if (end >= 3 && prefix_at(bytes, end - 3, end) == 3) {
            end -= 3;
        } else if (end >= 7 && prefix_at(bytes, end - 7, end) == 7) {
            end -= 7;
        } else {
            return end;
        }
    }
}

/* The size of CR, LF or CR LF, then perhaps ETX, at the very end. */
static size_t suffix(const uint8_t *bytes, size_t size) {
    size_t at = size;
    if (at && bytes[at - 1] == 0x03) at--;
    if (at >= 2 && bytes[at - 2] == '\r' && bytes[at - 1] == '\n') {
        at -= 2;
    } else if (at && (bytes[at - 1] == '\r' || bytes[at - 1] == '\n')) {
        at--;
    }
    return size - at;
}

static int is_suffix(const uint8_t *bytes, size_t size) {
    return suffix(bytes, size) == size;
}

/* The length that a code starting here claims; 0 when none can start here, UNKNOWN while too few bytes are there. */
static int claimed(const uint8_t *bytes, size_t size, size_t at) {
    const int lead = bytes[at] == 0x55;
    const uint8_t *head = bytes + at + lead;
    const size_t left = size - at - (size_t)lead;
    if (left > 0 && head[0] < 0x80) return 0;
    if (left > 1 && head[1] != 0x01) return 0; /* the high byte of 329..361 */
    if (left > 2 && !(0x103 + head[2] >= SHORTEST && 0x103 + head[2] <= LONGEST)) return 0;
    if (left < 4) return UNKNOWN;
    return head[3] == 0x24 ? lead + 0x103 + head[2] : 0;
}

/* Whether the claimed length agrees with field 13 and with the 15 in front of either signature. */
static int is_sound(const uint8_t *bytes, size_t at, size_t length) {
    const size_t lead = bytes[at] == 0x55, data = length - lead - SHORTEST;
    const uint8_t *code = bytes + at + lead;
    return code[197] == data && code[198 + data] == 0x15 && code[267 + data] == 0x15;
}

/* Version, length, 24 and as much of the certificate's service id as is in sight. */
static int starts_at(const uint8_t *bytes, size_t at, size_t end) {
    static const uint8_t service[4] = {1, 1, 0, 0};
    at += bytes[at] == 0x55;
    if (end - at < 4 || bytes[at] < 0x80 || bytes[at + 1] != 0x01 || bytes[at + 2] < 0x49 || bytes[at + 2] > 0x69 ||
        bytes[at + 3] != '$') {
        return 0;
    }
    const size_t left = end - at - 4;
    return memcmp(bytes + at + 4, service, left < sizeof service ? left : sizeof service) == 0;
}

/* Where a code starts inside; `end`: nowhere. */
static size_t start_inside(const uint8_t *bytes, size_t at, size_t end) {
    while (at < end && !starts_at(bytes, at, end)) at++;
    return at;
}

static int is_ascii(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x80) return 0;
    }
    return 1;
}

/* What a code, perhaps a damaged one, says of its own size: by field 2, and by field 13 if the 15 marks bear it out.
 * Larger first; returns how many. */
static int sizes_of(const uint8_t *frame, size_t size, size_t sizes[2]) {
    const size_t lead = frame[0] == 0x55;
    size_t by_length = 0;
    for (size_t i = lead + 1; i < lead + 3 && i < size; i++) by_length = by_length << 8 | frame[i];
    by_length += lead + 3;
    const size_t by_data = lead + SHORTEST + (size > lead + 197 ? frame[lead + 197] : 0);
    int count = 0;
    if (by_length >= FORM_MIN && by_length <= FORM_MAX) sizes[count++] = by_length;
    if (by_data <= size && is_sound(frame, 0, by_data)) sizes[count++] = by_data;
    if (count == 2 && sizes[0] < sizes[1]) {
        const size_t larger = sizes[1];
        sizes[1] = sizes[0];
        sizes[0] = larger;
    }
    return count;
}

/* The size of a frame without what the scanner put behind it. */
static size_t without_suffix(const uint8_t *frame, size_t size) {
    if (is_ascii(frame, size)) {
        while (size && (frame[size - 1] == '\r' || frame[size - 1] == '\n' || frame[size - 1] == 0x03)) size--;
        return size;
    }
    size_t sizes[2], first = 0;
    const int count = sizes_of(frame, size, sizes);
    for (int i = 0; i < count; i++) {
        if (sizes[i] > size || size - sizes[i] > TRAILER) continue;
        if (is_suffix(frame + sizes[i], size - sizes[i])) return sizes[i];
        first = first ? first : sizes[i];
    }
    return first ? first : size - suffix(frame, size);
}

static void drop(framing *f, size_t count) {
    f->size -= (uint32_t)count;
    memmove(f->bytes, f->bytes + count, f->size);
    f->checked = 0;
}

/* Whether these are a scanner's word to its host, such as a heartbeat 06, and nothing that was shown to it. */
static int is_signal(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x20) return 0;
    }
    return size <= SIGNAL;
}

/* The first `end` bytes as a frame that something other than its own length has ended. */
static void deliver_frame(framing *f, size_t end) {
    const size_t start = f->behind_code ? between(f->bytes, end) : prefixes(f->bytes, end);
    const size_t size = without_suffix(f->bytes + start, end - start);
    if (size && !is_signal(f->bytes + start, size)) f->deliver(f->context, f->bytes + start, size);
}

static void deliver_code(framing *f, size_t at, size_t length) {
    if (between(f->bytes, at) != at && at > NOISE && !f->flooded) {
        deliver_frame(f, prefixes_ahead(f->bytes, at));
    }
    f->deliver(f->context, f->bytes + at, length);
    drop(f, at + length);
    f->behind_code = 1;
    f->flooded = 0;
}

/* Every whole code, leftmost first. A start whose end has not come yet holds back those behind it, unless silence says
 * that its end will not come: so the cut depends on the bytes alone, not on the pieces. */
static void deliver_codes(framing *f, int silent) {
    size_t at = f->checked;
    while (at < f->size) {
        int length = claimed(f->bytes, f->size, at);
        if (length == UNKNOWN || at + (size_t)length > f->size) {
            if (!silent) break;
        } else if (length && is_sound(f->bytes, at, (size_t)length)) {
            const size_t end = at + (size_t)length, begin = start_inside(f->bytes, at + 5, end);
            if (begin < end) { /* a code cut short, and the next one behind it? Only that one's end can tell */
                int inner = claimed(f->bytes, f->size, begin);
                inner = inner == UNKNOWN ? 0 : inner;
                if (begin + (size_t)inner > f->size) {
                    if (!silent) break;
                } else if (is_sound(f->bytes, begin, (size_t)inner)) {
                    at = begin;
                    length = inner;
                }
            }
            deliver_code(f, at, (size_t)length);
            at = 0;
            continue;
        }
        at++;
    }
    f->checked = (uint32_t)at;
}

/* Keeps only the start that may still become a code (shorter than one code), so memory stays bounded. */
static void overflow(framing *f) {
    if (!f->flooded) deliver_frame(f, f->checked);
    f->flooded = 1;
    drop(f, f->checked);
}

void framing_feed(framing *f, const uint8_t *bytes, size_t size, uint64_t now_ms) {
    f->last_ms = now_ms;
    while (size) {
        const size_t room = FRAMING_LIMIT - f->size, piece = size < room ? size : room;
        memcpy(f->bytes + f->size, bytes, piece);
        f->size += (uint32_t)piece;
        bytes += piece;
        size -= piece;
        deliver_codes(f, 0);
        if (f->size == FRAMING_LIMIT) overflow(f);
    }
}

int framing_idle(const framing *f) {
    return f->size == 0 && !f->behind_code;
}

static uint64_t deadline_ms(const framing *f) {
    const int length = f->checked < f->size ? claimed(f->bytes, f->size, f->checked) : 0;
    /* A code's first bytes do not tell its length; a pause behind them must not part them from the rest either. */
    const int missing = length == UNKNOWN ? f->size <= TRAILER : f->checked + (size_t)length > f->size;
    return f->last_ms + (missing ? FRAMING_PATIENCE_MS : FRAMING_GAP_MS);
}

void framing_silence(framing *f, uint64_t now_ms) {
    if (framing_idle(f) || now_ms < deadline_ms(f)) return;
    deliver_codes(f, 1);
    if (!f->flooded && !(f->behind_code && f->size <= TRAILER)) deliver_frame(f, f->size);
    drop(f, f->size);
    f->behind_code = f->flooded = 0;
}
