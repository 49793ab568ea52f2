/* trust.h - private: whom the validator trusts, and what it remembers of them and of accepted codes. */
#ifndef YIMA_TRUST_H
#define YIMA_TRUST_H
#include "sm2.h"
#include "yima/core.h"

/* Finds the issuer's key through its certificate (fields, institution, root, CA signature, withdrawal, expiry). `now_s` is looked
 * at only when `trusted_time`. On acceptance *key is filled and *slot is its place in the cache, -1 if it has none yet.
 */
yima_reason yima_trust_check(const yima_validator *v, const uint8_t *code, uint32_t now_s, int trusted_time,
                             yima_sm2_key *key, int *slot);

/* 1 if r||s is the issuer's signature over e; takes the issuer's table if there is one. */
int yima_trust_verify(const yima_validator *v, int slot, const yima_sm2_key *key, const uint8_t e[32],
                      const uint8_t signature[64]);

/* Its certificate vouched for a code that verified in full: keeps it, or counts it. */
void yima_trust_keep(yima_validator *v, int slot, const uint8_t *certificate, const yima_sm2_key *key);

/* Nobody is trusted yet: the parameters are others. */
void yima_trust_begin(yima_validator *v);

/* Divides the memory for tables: a root's first, then slots for issuers, the widest windows first. */
void yima_trust_divide(yima_validator *v, void *tables, size_t size);

/* The memory of accepted codes. `digest` names a code; its first 12 bytes are kept. lasts: the code itself says until
 * when it is good, so it is never good again; 0: its issuer may be asked again after `until`. Insert: 1, or 0 and counted
 * where it would have to forget a code that could still be shown. Refill takes what a log tells, whatever must go for it:
 * then nobody rides until that can do no harm. Until: when a lasting code of the past can be shown last, by shifts that
 * may have been granted since; widen looks at everything so. */
void yima_replay_begin(yima_validator *v, void *memory, size_t size);
int yima_replay_holds(const yima_validator *v, const uint8_t *digest, int64_t now);
int yima_replay_too_soon(const yima_validator *v, const uint8_t *account, int64_t now);
int yima_replay_insert(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                       int64_t until, int64_t now, int lasts);
void yima_replay_refill(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                        int64_t until, int lasts);
int64_t yima_replay_until(const yima_parameters *p, int64_t accepted_at, int64_t until);
void yima_replay_widen(yima_validator *v);
void yima_replay_remove(yima_validator *v, const uint8_t *digest);
#endif
