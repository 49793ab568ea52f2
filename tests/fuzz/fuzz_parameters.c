/* fuzz_parameters.c - libFuzzer target: an image that opens can be asked anything and judged against.
 *
 * The input is an image. Of the zeros in its header the first (13) holds choices, and the second (14) says whether the
 * size and the places of its sections are made to agree first, so that what rows hold is reached; both are cleared
 * before it is opened. Each look-up is held against a walk through all rows, and codes are judged that are made for
 * the image: of its institutions, at its gates, with counterfeit signatures. */
#include "counterfeit.h"
#include "verdicts.h"
#include "world.h"

enum { LARGEST = 16384, AT_CHOICES = 13, AT_FITTED = 14, NOW = 1790000000, ROWS_WALKED = 64, MEMORY = 8 << 20 };

/* How the rows of a section stand. */
enum { ROWS_ONE, ROWS_SORTED, ROWS_DATED, ROWS_RANGES, ROWS_LISTED, ROWS_LARGE };

static const struct {
    uint8_t row, key, rows;
} shapes[YIMA_SECTION_KINDS] = {
#define YIMA_SECTION(number, name, row, key, rows, meaning) [number] = {(row), (key), ROWS_##rows},
#define YIMA_FIELD(part, name, offset, bytes, form, range, meaning)
#define YIMA_END(name)
#include "parameters.def"
};

/* Sections one behind the other, each as long as it says or as there are bytes. */
static void fit(uint8_t *image, size_t size) {
    if (size < YIMA_HEADER_SIZE) return;
    yima_put_number(image + 8, 4, (uint32_t)size);
    const size_t sections = yima_be16(image + 6);
    size_t at = YIMA_HEADER_SIZE + sections * YIMA_ENTRY_SIZE;
    if (at > size) return;
    for (uint8_t *entry = image + YIMA_HEADER_SIZE; entry < image + YIMA_HEADER_SIZE + sections * YIMA_ENTRY_SIZE;
         entry += YIMA_ENTRY_SIZE) {
        const size_t row = yima_be16(entry + 2), most = row ? (size - at) / row : 0;
        if (yima_be32(entry + 4) > most) yima_put_number(entry + 4, 4, (uint32_t)most);
        yima_put_number(entry + 8, 4, (uint32_t)at);
        at += row * yima_be32(entry + 4);
    }
}

static const uint8_t *row_at(const yima_parameters *p, unsigned section, uint32_t i) {
    const uint8_t *row = p->sections[section].rows + (size_t)i * shapes[section].row;
    demand(yima_row(p, section, i) == row);
    demand(row >= p->image + YIMA_HEADER_SIZE && row + shapes[section].row <= p->image + p->size);
    return row;
}

/* The row of a key in force at a moment, by all rows. */
static const uint8_t *in_force(const yima_parameters *p, unsigned section, const uint8_t *key, uint32_t now,
                               int *later) {
    const size_t size = shapes[section].key;
    const uint8_t *found = NULL;
    *later = 0;
    for (uint32_t i = 0; i < p->sections[section].count; i++) {
        const uint8_t *row = row_at(p, section, i);
        const uint32_t from = yima_be32(row + size), to = yima_be32(row + size + 4);
        if (memcmp(row, key, size) != 0) continue;
        if (from <= now && (now < to || to == UINT32_MAX)) found = row;
        *later |= from > now;
    }
    return found;
}

/* Every row is found by its key: those that the door walked, each by its own. */
static void check_rows(const yima_parameters *p) {
    for (unsigned section = 1; section < YIMA_SECTION_KINDS; section++) {
        const uint32_t count = p->sections[section].count;
        const size_t key = shapes[section].key;
        demand(yima_row(p, section, count) == NULL && yima_row(p, section, UINT64_MAX) == NULL);
        for (uint32_t i = 0; key && i < count && i < ROWS_WALKED; i++) {
            const uint8_t *row = row_at(p, section, i), *found = yima_row_find(p, section, row, key);
            demand(shapes[section].rows == ROWS_LARGE || (found && memcmp(found, row, key) == 0));
            demand(shapes[section].rows == ROWS_LARGE || shapes[section].rows == ROWS_DATED || found == row);
            if (shapes[section].rows != ROWS_DATED) continue;
            const uint32_t moments[] = {0, yima_be32(row + key), yima_be32(row + key + 4) - 1,
                                        yima_be32(row + key + 4)};
            for (unsigned m = 0; m < 4; m++) {
                int later = 0, expected = 0;
                demand(in_force(p, section, row, moments[m], &expected) ==
                       yima_dated_find(p, section, row, moments[m], &later));
                demand(later == expected);
            }
        }
    }
}

static void check_accounts(const yima_parameters *p) {
    const uint32_t count = p->sections[YIMA_SECTION_DENY].count;
    for (uint32_t i = 0; i < 2 * count && i < ROWS_WALKED; i++) {
        const uint8_t *account = row_at(p, YIMA_SECTION_DENY, i / 2) + i % 2 * YIMA_ACCOUNT_SIZE;
        uint8_t near[YIMA_ACCOUNT_SIZE];
        demand(yima_denied(p, account));
        memcpy(near, account, sizeof near);
        near[YIMA_ACCOUNT_SIZE - 1] ^= 1;
        int denied = 0;
        for (uint32_t k = 0; k < count; k++) {
            const uint8_t *row = row_at(p, YIMA_SECTION_DENY, k);
            denied |= memcmp(row, near, sizeof near) <= 0 && memcmp(near, row + YIMA_ACCOUNT_SIZE, sizeof near) <= 0;
        }
        demand(yima_denied(p, near) == denied);
    }
}

/* The groups of an account by all rows, which ascend: its own row's, or those of the last row before it that says so. */
static uint32_t groups_by_all(const yima_parameters *p, const uint8_t *account) {
    const uint32_t count = p->sections[YIMA_SECTION_MEMBERS].count;
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = row_at(p, YIMA_SECTION_MEMBERS, i);
        const int order = memcmp(row, account, YIMA_ACCOUNT_SIZE);
        const uint32_t groups = yima_be16(row + YIMA_ACCOUNT_SIZE);
        if (order == 0) return groups & 0x7fff;
        if (order < 0) found = groups >> 15 && i + 1 < count ? groups & 0x7fff : 0;
    }
    return found;
}

static void check_groups(const yima_parameters *p) {
    const uint32_t count = p->sections[YIMA_SECTION_MEMBERS].count;
    int ascending = 1;
    for (uint32_t i = 1; i < count; i++) {
        const uint8_t *before = row_at(p, YIMA_SECTION_MEMBERS, i - 1), *row = row_at(p, YIMA_SECTION_MEMBERS, i);
        ascending &= memcmp(before, row, YIMA_ACCOUNT_SIZE) < 0;
    }
    for (uint32_t i = 0; i < 3 * count && i < ROWS_WALKED; i++) {
        uint8_t account[YIMA_ACCOUNT_SIZE];
        memcpy(account, row_at(p, YIMA_SECTION_MEMBERS, i / 3), sizeof account);
        account[YIMA_ACCOUNT_SIZE - 1] = (uint8_t)(account[YIMA_ACCOUNT_SIZE - 1] + i % 3 - 1);
        const uint32_t found = yima_groups_of(p, account);
        demand(found < 0x8000 && (!ascending || found == groups_by_all(p, account)));
    }
}

static void check_shifts(const yima_parameters *p) {
    const uint32_t count = p->sections[YIMA_SECTION_SHIFTS].count;
    for (uint32_t i = 0; i < count && i < ROWS_WALKED; i++) {
        const uint8_t *organisation = row_at(p, YIMA_SECTION_SHIFTS, i);
        uint32_t expected = 0, found = 0;
        int32_t shift;
        for (uint32_t k = 0; k < count; k++)
            expected += memcmp(row_at(p, YIMA_SECTION_SHIFTS, k), organisation, 4) == 0;
        while (yima_shift_of(p, organisation, found, &shift)) {
            demand(shift != 0 && ++found <= count);
        }
        demand(found == expected);
    }
}

/* Whether any row withdraws the certificate at `now`: by all rows, each read by itself. */
static int revoked_by_all(const yima_parameters *p, const uint8_t *certificate, uint32_t now) {
    int revoked = 0;
    for (uint32_t i = 0; i < p->sections[YIMA_SECTION_REVOKED].count; i++) {
        const uint8_t *row = row_at(p, YIMA_SECTION_REVOKED, i);
        const uint32_t from = yima_be32(row + 12), to = yima_be32(row + 16);
        revoked |= row[0] == certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX] &&
                   (!(row[1] & 1) || memcmp(row + 4, certificate + YIMA_CERTIFICATE_AT_ISSUER_ID, 4) == 0) &&
                   (!(row[1] & 2) || memcmp(row + 8, certificate + YIMA_CERTIFICATE_AT_SERIAL, 3) == 0) &&
                   from <= now && (now < to || to == UINT32_MAX);
    }
    return revoked;
}

static void check_revoked(const yima_parameters *p) {
    const uint32_t count = p->sections[YIMA_SECTION_REVOKED].count;
    for (uint32_t i = 0; i < 4 * count && i < ROWS_WALKED; i++) {
        const uint8_t *row = row_at(p, YIMA_SECTION_REVOKED, i / 4);
        uint8_t certificate[YIMA_CERTIFICATE_SIZE] = {0};
        certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX] = row[0];
        memcpy(certificate + YIMA_CERTIFICATE_AT_ISSUER_ID, row + 4, 4);
        memcpy(certificate + YIMA_CERTIFICATE_AT_SERIAL, row + 8, 3);
        if (i & 1) certificate[YIMA_CERTIFICATE_AT_ISSUER_ID] ^= 1;
        if (i & 2) certificate[YIMA_CERTIFICATE_AT_SERIAL] ^= 1;
        const uint32_t moments[] = {0, yima_be32(row + 12), yima_be32(row + 16) - 1, yima_be32(row + 16)};
        for (unsigned m = 0; m < 4; m++)
            demand(yima_certificate_revoked(p, certificate, moments[m]) == revoked_by_all(p, certificate, moments[m]));
    }
}

/* The longest prefix wins, and no prefix takes a code of a family with marks of its own. */
static void check_prefixes(const yima_parameters *p) {
    for (uint32_t i = 0; i < p->sections[YIMA_SECTION_RESOLVED].count && i < ROWS_WALKED; i++) {
        const uint8_t *row = row_at(p, YIMA_SECTION_RESOLVED, i);
        const size_t size = row[32];
        yima_resolved found;
        demand(size >= 1 && size <= YIMA_RESOLVED_SIZE_PREFIX && yima_resolved_find(p, row, size, &found));
        demand(found.family == (yima_family)row[33] && found.modes == row[34] && found.remember_s > 0);
        const yima_family plain = yima_family_of(row, size), here = yima_family_here(p, row, size);
        demand(here == (plain == YIMA_FAMILY_UNKNOWN || plain == YIMA_FAMILY_SUISHEN_HALL ? found.family : plain));
    }
}

static void judge_at(const yima_parameters *p, yima_gate gate, const uint8_t *code, size_t length, int64_t now) {
    static _Alignas(8) uint8_t memory[MEMORY];
    static yima_validator v;
    yima_verdict verdict, again;
    const uint32_t need = yima_memory_need(p);
    const int is_enough = need <= YIMA_MEMORY_MAX && yima_memory_size(need) <= sizeof memory;
    demand(yima_validator_init(&v, p, gate, memory, is_enough ? yima_memory_size(need) : sizeof memory, NULL, 0) ==
           (is_enough ? YIMA_OK : YIMA_MEMORY_TOO_SMALL));
    if (!is_enough) return;
    v.kernel = &counterfeit_kernel;
    const yima_moment at = {.unix_s = now, .trusted = 1};
    yima_judge(&v, code, length, at, &verdict);
    check_verdict(p, &verdict);
    memset(v.shown, 0, sizeof v.shown);
    yima_judge(&v, code, length, at, &again);
    check_verdict(p, &again);
    demand(!again.accepted); /* whatever the image says, a code rides once */
}

/* A code of the image's own: its institution, its root, and issuer's data of which its decoders make something. */
static void judge_for(const yima_parameters *p, const uint8_t *pair, uint8_t choices) {
    uint8_t code[sizeof world_code];
    const uint8_t *root = yima_row(p, YIMA_SECTION_ROOTS, 0);
    const uint8_t *city = yima_row(p, YIMA_SECTION_ACCEPTANCE, 0);
    const uint8_t *station = yima_row(p, YIMA_SECTION_STATIONS, choices % 4);
    memcpy(code, world_code, sizeof code);
    if (pair) memcpy(code + YIMA_AT_ORGANISATION, pair, 8);
    uint8_t *certificate = code + YIMA_AT_CERTIFICATE;
    memcpy(certificate + YIMA_CERTIFICATE_AT_ISSUER_ID, code + YIMA_AT_ORGANISATION, 4);
    if (root) certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX] = root[0];
    code[YIMA_AT_ACCOUNT_TYPE] = choices >> 2 & 7;
    memset(code + YIMA_AT_ISSUER_DATA, choices >> 5, YIMA_ISSUER_DATA_MAX);
    if (yima_limit_allows(p, YIMA_LIMITS_AT_VERSIONS, 0x81)) code[0] = 0x81;
    counterfeit(p, code, sizeof code);
    for (uint8_t direction = 0; direction <= YIMA_DIRECTION_EXIT; direction++) {
        yima_gate gate = {.mode = YIMA_MODE_METRO, .direction = direction, .line = 1, .station = 1};
        if (!direction) gate.mode = YIMA_MODE_BUS;
        if (city) gate.city = yima_be32(city);
        if (station) {
            gate.line = (uint16_t)yima_be16(station + 2);
            gate.city = yima_be32(station + 4);
            gate.station = (uint16_t)yima_be16(station + 8);
        }
        judge_at(p, gate, code, sizeof code, NOW);
    }
}

static void check_opened(const yima_parameters *p, uint8_t choices) {
    check_rows(p);
    check_accounts(p);
    check_groups(p);
    check_shifts(p);
    check_revoked(p);
    check_prefixes(p);
    const uint32_t pairs = p->sections[YIMA_SECTION_WHITELIST].count;
    if (!pairs) judge_for(p, NULL, choices);
    for (uint32_t i = 0; i < pairs && i < 3; i++) judge_for(p, row_at(p, YIMA_SECTION_WHITELIST, i), choices);
    const uint8_t *prefix = yima_row(p, YIMA_SECTION_RESOLVED, 0);
    const yima_gate bus = {.mode = YIMA_MODE_BUS};
    if (prefix) judge_at(p, bus, prefix, YIMA_RESOLVED_SIZE_PREFIX, NOW);
    yima_verdict none = {.rule_count = YIMA_RULES};
    char text[YIMA_RULE_TEXT_MAX];
    for (unsigned i = 0; i < YIMA_RULES; i++) none.rules[i].number = (uint16_t)((choices ^ i) % 16);
    demand(yima_rule_text(p, &none, text) < sizeof text); /* names that do not exist, too */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yima_parameters p, again;
    size_t offset = 0;
    if (size > LARGEST) return 0;
    uint8_t choices = 0, *image = copy_of(data, size);
    if (size >= YIMA_HEADER_SIZE) {
        choices = image[AT_CHOICES];
        if (image[AT_FITTED]) fit(image, size);
        image[AT_CHOICES] = image[AT_FITTED] = 0;
    }
    const yima_parameters_error error = yima_parameters_open(&p, image, size, &offset);
    if (error == YIMA_PARAMETERS_OK) {
        check_opened(&p, choices);
        demand(yima_parameters_open(&again, image, p.size - 1, &offset) == YIMA_PARAMETERS_TRUNCATED);
        demand(again.image == NULL && offset <= p.size);
    } else {
        demand(offset <= size && p.image == NULL);
        for (unsigned i = 0; i < YIMA_SECTION_KINDS; i++) demand(p.sections[i].rows == NULL);
    }
    free(image);
    return 0;
}
