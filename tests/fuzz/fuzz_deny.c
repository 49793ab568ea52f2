/* fuzz_deny.c - libFuzzer target: the deny-list says of every account what a look at every row says.
 *
 * The first byte chooses. FILES: the rest is a full list and an increment, as they came; with MENDED after size, digest
 * and base have been made to agree, so that what lies behind them is reached. Otherwise the rest is a script of
 * accounts and ranges, of which deny_rows.h makes files, whatever it says. */
#include "deny_rows.h"

enum { FILES = 1, MENDED = 2, LARGEST = 8192, LAYERS = 3 };

static unsigned rows_of(yima_deny_rows rows) {
    return rows.count < ROWS_MAX ? rows.count : ROWS_MAX;
}

/* What an opened file says, by its rows alone; only files of few rows are read. */
static void read_rows(said *what, const yima_deny_layer *layer) {
    what->denied_count = rows_of(layer->denied);
    what->allowed_count = rows_of(layer->allowed);
    what->denied_range_count = rows_of(layer->denied_ranges);
    what->allowed_range_count = rows_of(layer->allowed_ranges);
    for (unsigned i = 0; i < what->denied_count; i++) account_of(what->denied[i], layer->denied.rows + (size_t)A * i);
    for (unsigned i = 0; i < what->allowed_count; i++)
        account_of(what->allowed[i], layer->allowed.rows + (size_t)A * i);
    memcpy(what->denied_ranges, layer->denied_ranges.rows, (size_t)2 * A * what->denied_range_count);
    memcpy(what->allowed_ranges, layer->allowed_ranges.rows, (size_t)2 * A * what->allowed_range_count);
}

static int has_few_rows(const yima_deny_layer *layer) {
    return layer->denied.count <= ROWS_MAX && layer->allowed.count <= ROWS_MAX &&
           layer->denied_ranges.count <= ROWS_MAX && layer->allowed_ranges.count <= ROWS_MAX;
}

/* The newest file that says something of the account decides. */
static void check_account(const yima_deny *d, const said *files, const uint8_t *account) {
    int word = -1;
    for (uint32_t i = d->count; i-- > 0 && word < 0;) word = word_on(&files[i], account);
    demand(yima_deny_has(d, account) == (word == 1));
}

/* The account itself, and those right before and behind it. */
static void check_around(const yima_deny *d, const said *files, const uint8_t *account) {
    uint8_t near[A];
    check_account(d, files, account);
    for (int step = -1; step <= 1; step += 2) {
        memcpy(near, account, A);
        for (int i = A - 1; i >= 0; i--) { /* with its carry */
            near[i] = (uint8_t)(near[i] + step);
            if (near[i] != (step < 0 ? 0xFF : 0)) break;
        }
        check_account(d, files, near);
    }
}

static void check_list(const yima_deny *d, const said *files) {
    for (uint32_t k = 0; k < d->count; k++) {
        const said *f = &files[k];
        for (unsigned i = 0; i < f->denied_count; i++) check_around(d, files, f->denied[i]);
        for (unsigned i = 0; i < f->allowed_count; i++) check_around(d, files, f->allowed[i]);
        for (unsigned i = 0; i < 2 * f->denied_range_count; i++) {
            check_around(d, files, f->denied_ranges[i / 2] + i % 2 * A);
        }
        for (unsigned i = 0; i < 2 * f->allowed_range_count; i++) {
            check_around(d, files, f->allowed_ranges[i / 2] + i % 2 * A);
        }
    }
}

/* Size, base and digest as they have to be. */
static void mend(uint8_t *file, size_t size, const uint8_t *base) {
    if (size < YIMA_DENY_HEADER_SIZE) return;
    put_word(file + 8, (uint32_t)size);
    if (base) {
        memcpy(file + 40, base + 12, 4);
        memcpy(file + 48, base + 80, 32);
    }
    digest_of(file, size, file + 80);
}

static void check_files(script *s, int mended) {
    static said files[2];
    yima_deny list;
    size_t sizes[2] = {take(s, 2), LARGEST}, offset = 0;
    uint8_t *images[2];
    for (int i = 0; i < 2; i++) {
        const uint8_t *bytes = take_bytes(s, &sizes[i]);
        images[i] = copy_of(bytes, sizes[i]);
        if (mended) mend(images[i], sizes[i], i && sizes[0] >= YIMA_DENY_HEADER_SIZE ? images[0] : NULL);
    }
    const yima_deny_error opened = yima_deny_open(&list, images[0], sizes[0], &offset);
    demand(opened == YIMA_DENY_OK ? list.count == 1 : list.count == 0 && offset <= sizes[0]);
    int sound = yima_deny_verify(images[0], sizes[0], &offset) == YIMA_DENY_OK;
    demand(offset <= sizes[0]);
    if (opened == YIMA_DENY_OK) {
        const yima_deny before = list;
        const yima_deny_error added = yima_deny_add(&list, images[1], sizes[1], &offset);
        demand(list.count == (added == YIMA_DENY_OK ? 2u : 1u));
        demand(added == YIMA_DENY_OK || memcmp(&before, &list, sizeof list) == 0);
        demand(yima_deny_environment(&list) >= 1 && yima_deny_environment(&list) <= 2);
        demand(added != YIMA_DENY_OK || yima_deny_version(&list) > yima_deny_version(&before));
        if (added == YIMA_DENY_OK) sound &= yima_deny_verify(images[1], sizes[1], &offset) == YIMA_DENY_OK;
        int few = 1;
        for (uint32_t i = 0; i < list.count; i++) few &= has_few_rows(&list.layers[i]);
        for (uint32_t i = 0; few && i < list.count; i++) read_rows(&files[i], &list.layers[i]);
        if (few && sound) {
            check_list(&list, files);
        } else { /* nothing is promised of its answers but that there are any */
            for (size_t at = 0; at + A <= sizes[0]; at += A) {
                const int has = yima_deny_has(&list, images[0] + at);
                demand(has == 0 || has == 1);
            }
        }
    } else {
        demand(!sound ||
               (sizes[0] > 6 && images[0][6] == 2)); /* a sound file that is none to begin with: an increment */
    }
    free(images[0]);
    free(images[1]);
}

/* Few accounts, so that files speak of the same ones; ends of ranges with F padding. */
static void take_account(script *s, uint8_t account[A]) {
    const uint32_t from = take(s, 2);
    memset(account, from & 0x8000 ? 0xFF : 0x00, A);
    account[0] = 0x31;
    account[4] = (uint8_t)(from >> 8 & 0x7F);
    account[A - 1] = (uint8_t)from;
}

static unsigned take_accounts(script *s, uint8_t accounts[][A], unsigned count) {
    for (unsigned i = 0; i < count; i++) take_account(s, accounts[i]);
    return count;
}

static unsigned take_ranges(script *s, uint8_t ranges[][2 * A], unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint8_t ends[2][A];
        (void)take_accounts(s, ends, 2);
        const int turned = memcmp(ends[0], ends[1], A) > 0;
        memcpy(ranges[i], ends[turned], A);
        memcpy(ranges[i] + A, ends[!turned], A);
    }
    return count;
}

static void check_made(script *s) {
    static said files[LAYERS];
    static uint8_t images[LAYERS][FILE_MAX];
    yima_deny list = {0};
    const unsigned layers = 1 + take(s, 1) % LAYERS;
    for (unsigned i = 0; i < layers; i++) {
        said *what = &files[i];
        what->denied_count = take_accounts(s, what->denied, take(s, 1) % ROWS_MAX);
        what->allowed_count = take_accounts(s, what->allowed, take(s, 1) % ROWS_MAX);
        what->denied_range_count = take_ranges(s, what->denied_ranges, take(s, 1) % 8);
        what->allowed_range_count = i ? take_ranges(s, what->allowed_ranges, take(s, 1) % 8) : 0;
        const size_t size = file_of(images[i], what, take(s, 1) % 9, 1 + i, i ? images[i - 1] : NULL);
        uint8_t *exact = copy_of(images[i], size);
        demand(yima_deny_verify(exact, size, NULL) == YIMA_DENY_OK);
        exact[take(s, 2) % size] ^= 1;
        demand(yima_deny_verify(exact, size, NULL) != YIMA_DENY_OK);
        free(exact);
        demand((i ? yima_deny_add(&list, images[i], size, NULL) : yima_deny_open(&list, images[i], size, NULL)) ==
               YIMA_DENY_OK);
        demand(yima_deny_version(&list) == 1 + i && memcmp(yima_deny_digest(&list), images[i] + 80, 32) == 0);
        check_list(&list, files);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > LARGEST) return 0;
    script s = {data + 1, size - 1};
    if (data[0] & FILES) {
        check_files(&s, data[0] & MENDED);
    } else {
        check_made(&s);
    }
    return 0;
}
