// Tokens of issuers: which get in, and a matrix of forged, foreign, stale and confused ones, of which none does.
// The attacks are those of RFC 8725, of OWASP's JSON Web Token cheat sheet, and of the public lists of JWT attacks.
#include "callers.h"

#include <stdlib.h>
#include <unistd.h>

#include "issuer.h"
#include "jwt_forge.h"
#include "loop.h"
#include "test_key.h"
#include "virtual_loop.h"

#define NOW_S  INT64_C(1700000000)
#define LARGE  ((size_t)16 * KIB)
#define ISSUER "https://issuer.test"

static struct clock_manual clock_now;
static struct loop *loop;
static struct issuer *issuers[2];
static struct callers *callers;
static EVP_PKEY *keys[FORGE_KEYS], *foreign[FORGE_KEYS];
static char *pems[FORGE_KEYS];
static const char *const key_ids[FORGE_KEYS] = {"rsa", "p256", "ed25519"};
static char key_file[] = "/tmp/gitlatch-test-XXXXXX", other_file[] = "/tmp/gitlatch-test-XXXXXX";
static char issuer_url[] = ISSUER, other_url[] = "https://other.test", audience[] = "gitlatch", test_name[] = "test",
            other_name[] = "other";
static struct config_issuer configs[2] = {
    {.name = test_name, .issuer = issuer_url, .audience = audience, .jwks_file = key_file},
    {.name = other_name, .issuer = other_url, .audience = audience, .jwks_file = other_file},
};
static unsigned refused;

static struct caller proven;
static struct verdict verdict;
static int calls;

static void on_proof(void *arg, const struct caller *caller, const struct verdict *why)
{
    calls++;
    caller_clear(&proven);
    verdict = (struct verdict){0};
    if (caller)
        caller_copy(caller, &proven);
    else
        verdict = *why;
}

// Whether it gets in.
static bool shows(struct bytes token)
{
    const struct callers_proof proof = {.token = token, .from = "192.0.2.1"};
    struct callers_request *request GL_UNUSED;

    calls = 0;
    request = callers_prove(callers, &proof, on_proof, NULL);
    assert_int_equal(calls, 0);
    virtual_loop_run_for(loop, &clock_now, 0);
    assert_int_equal(calls, 1);
    if (verdict.reason != REASON_NONE) {
        assert_int_equal(verdict.reason, REASON_CALLER_UNPROVEN);
        assert_int_equal(verdict_status(&verdict), 401);
        assert_false(caller_is_proven(&proven));
    }
    return caller_is_proven(&proven);
}

static void expect_refused(const char *what, enum forge_key kind, char *token)
{
    if (shows(bytes_of_string(token)))
        fail_msg("%s, %s: got in", forge_algorithms[kind], what);
    refused++;
    mem_free(token);
}

static char *good_header(enum forge_key kind)
{
    return mem_format("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", forge_algorithms[kind], key_ids[kind]);
}

#define CLAIMS(more) "{\"iss\":\"" ISSUER "\",\"aud\":\"gitlatch\",\"sub\":\"job\",\"exp\":1700000300" more "}"

static char *good_token(enum forge_key kind)
{
    char *header = good_header(kind), *token = forge_token(keys[kind], header, CLAIMS(""));

    mem_free(header);
    return token;
}

static void write_keys(const char *path, EVP_PKEY *const *of)
{
    json_t *list = json_array(), *root;

    for (size_t i = 0; i < FORGE_KEYS; i++)
        json_array_append_new(list, forge_jwk(of[i], key_ids[i]));
    root = json_pack("{s:o}", "keys", list);
    assert_int_equal(json_dump_file(root, path, JSON_COMPACT), 0);
    json_decref(root);
}

static int set_up(void **state)
{
    struct error error;

    close(mkstemp(key_file));
    close(mkstemp(other_file));
    for (size_t i = 0; i < FORGE_KEYS; i++) {
        keys[i] = forge_new_key(i);
        foreign[i] = forge_new_key(i);
        pems[i] = forge_pem(keys[i]);
    }
    write_keys(key_file, keys);
    write_keys(other_file, foreign);
    clock_manual_init(&clock_now, (struct wall){NOW_S * SECOND_MS});
    loop = loop_new(&clock_now.clock);
    for (size_t i = 0; i < 2; i++) {
        issuers[i] = issuer_new(loop, NULL, &configs[i], &error);
        if (!issuers[i])
            fail_msg("%s", error.text);
    }
    callers = callers_new(&(struct callers_options){.loop = loop, .issuers = issuers, .issuer_count = 2});
    return 0;
}

static int tear_down(void **state)
{
    caller_clear(&proven);
    callers_free(callers);
    for (size_t i = 0; i < 2; i++)
        issuer_free(issuers[i]);
    loop_free(loop);
    for (size_t i = 0; i < FORGE_KEYS; i++) {
        EVP_PKEY_free(keys[i]);
        EVP_PKEY_free(foreign[i]);
        mem_free(pems[i]);
    }
    unlink(key_file);
    unlink(other_file);
    return 0;
}

// What is right gets in, or the matrix would show nothing.

static void test_good_tokens(void **state)
{
    static const char *const claims[] = {
        CLAIMS(""),
        CLAIMS(",\"nbf\":1700000000,\"iat\":1700000000"),
        CLAIMS(",\"nbf\":1700000059,\"iat\":1700000059"), // a minute of skew
        "{\"iss\":\"" ISSUER "\",\"aud\":\"gitlatch\",\"sub\":\"job\",\"exp\":1699999941}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"gitlatch\",\"sub\":\"job\",\"exp\":1700000300.5}",
        "{\"iss\":\"" ISSUER "\",\"aud\":[\"gitlatch\"],\"sub\":\"job\",\"exp\":1700000300}",
        "{\"iss\":\"" ISSUER "\",\"aud\":[\"vault\",\"gitlatch\"],\"sub\":\"job\",\"exp\":1700000300}",
    };

    for (size_t kind = 0; kind < FORGE_KEYS; kind++) {
        char *header = good_header(kind);

        for (size_t i = 0; i < GL_ARRAY_SIZE(claims); i++) {
            char *token = forge_token(keys[kind], header, claims[i]);

            if (!shows(bytes_of_string(token)))
                fail_msg("%s %s: %s", forge_algorithms[kind], claims[i], verdict.sentence);
            assert_string_equal(proven.issuer, "test");
            assert_string_equal(proven.subject, "job");
            assert_string_equal(proven.tenant, "job");
            assert_false(proven.holder);
            mem_free(token);
        }
        mem_free(header);
    }
}

static void test_headers_of_real_issuers(void **state)
{
    static const char *const headers[] = {
        "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5t\":\"eYGCAAABAAABAAA\",\"kid\":\"rsa\"}", // GitHub Actions
        "{\"kid\":\"rsa\",\"typ\":\"JWT\",\"alg\":\"RS256\"}",                             // GitLab
        "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",                                             // a cluster
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JOSE\"}",                            // SPIFFE
        "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\"}",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(headers); i++) {
        char *token = forge_token(keys[FORGE_RSA], headers[i], CLAIMS(""));

        if (!shows(bytes_of_string(token)))
            fail_msg("%s: %s", headers[i], verdict.sentence);
        mem_free(token);
    }
}

static void test_audience_of_a_holder(void **state)
{
    static const char *const claims[] = {
        "{\"iss\":\"" ISSUER "\",\"aud\":\"gitlatch-credential\",\"sub\":\"job\",\"exp\":1700000300}",
        // For both: the narrower counts.
        "{\"iss\":\"" ISSUER "\",\"aud\":[\"gitlatch\",\"gitlatch-credential\"],\"sub\":\"job\",\"exp\":1700000300}",
    };
    char *header = good_header(FORGE_RSA);

    for (size_t i = 0; i < GL_ARRAY_SIZE(claims); i++) {
        char *token = forge_token(keys[FORGE_RSA], header, claims[i]);

        assert_true(shows(bytes_of_string(token)));
        assert_true(proven.holder);
        mem_free(token);
    }
    mem_free(header);
}

// Headers, signed as they are with the right key. @A: the algorithm, @K: the key id.
static const char *const bad_headers[] = {
    "{\"alg\":\"none\",\"kid\":\"@K\"}",
    "{\"alg\":\"None\",\"kid\":\"@K\"}",
    "{\"alg\":\"NONE\",\"kid\":\"@K\"}",
    "{\"alg\":\"nOnE\",\"kid\":\"@K\"}",
    "{\"alg\":\"\",\"kid\":\"@K\"}",
    "{\"alg\":null,\"kid\":\"@K\"}",
    "{\"alg\":256,\"kid\":\"@K\"}",
    "{\"alg\":[\"@A\"],\"kid\":\"@K\"}",
    "{\"alg\":{\"name\":\"@A\"},\"kid\":\"@K\"}",
    "{\"kid\":\"@K\"}",
    "{\"alg\":\" @A\",\"kid\":\"@K\"}",
    "{\"alg\":\"@A \",\"kid\":\"@K\"}",
    "{\"alg\":\"HS256\",\"kid\":\"@K\"}",
    "{\"alg\":\"HS512\",\"kid\":\"@K\"}",
    "{\"alg\":\"PS256\",\"kid\":\"@K\"}",
    "{\"alg\":\"RS512\",\"kid\":\"@K\"}",
    "{\"alg\":\"ES384\",\"kid\":\"@K\"}",
    "{\"alg\":\"rs256\",\"kid\":\"@K\"}",
    "{\"alg\":\"@A\",\"alg\":\"none\",\"kid\":\"@K\"}",
    "{\"alg\":\"none\",\"alg\":\"@A\",\"kid\":\"@K\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"kid\":\"@K\"}",
    "{\"alg\":\"@A\",\"kid\":\"unknown\"}",
    "{\"alg\":\"@A\",\"kid\":\"\"}",
    "{\"alg\":\"@A\",\"kid\":null}",
    "{\"alg\":\"@A\",\"kid\":1}",
    "{\"alg\":\"@A\",\"kid\":[\"@K\"]}",
    "{\"alg\":\"@A\",\"kid\":\"../../../../dev/null\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K' UNION SELECT 'key\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\\u0000\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K|/usr/bin/id\"}",
    "{\"alg\":\"@A\",\"kid\":\"https://evil.test/keys\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"crit\":[]}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"crit\":[\"exp\"]}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"crit\":[\"b64\"],\"b64\":false}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"b64\":false}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"jku\":\"https://evil.test/keys\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"jku\":\"" ISSUER "/keys\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"x5u\":\"https://evil.test/chain\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"x5c\":[\"MIIB\"]}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"zip\":\"DEF\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"enc\":\"A256GCM\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"typ\":\"dpop+jwt\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"typ\":\"logout+jwt\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"typ\":\"secevent+jwt\"}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"typ\":1}",
    "{\"alg\":\"@A\",\"kid\":\"@K\",\"cty\":\"JWT\"}",
    "[\"@A\",\"@K\"]",
    "\"@A @K\"",
    "{\"alg\":\"@A\",\"kid\":\"@K\"",
    "{\"alg\":\"@A\",\"kid\":\"@K\"} {}",
    "{'alg':'@A','kid':'@K'}",
};

static void test_headers(void **state)
{
    for (size_t kind = 0; kind < FORGE_KEYS; kind++) {
        for (size_t i = 0; i < GL_ARRAY_SIZE(bad_headers); i++) {
            struct text header = {0};

            for (const char *c = bad_headers[i]; *c; c++) {
                bool named = *c == '@';

                c += named;
                text_append_bytes(&header, named ? bytes_of_string(*c == 'A' ? forge_algorithms[kind] : key_ids[kind])
                                                 : bytes_of(c, 1));
            }
            expect_refused(bad_headers[i], kind, forge_token(keys[kind], text_string(&header), CLAIMS("")));
            text_free(&header);
        }
    }
}

#define BASE "\"iss\":\"" ISSUER "\",\"aud\":\"gitlatch\",\"sub\":\"job\""
#define ISS  "\"iss\":\"" ISSUER "\",\"exp\":1700000300"
#define AUD  "\"aud\":\"gitlatch\",\"exp\":1700000300"

static const char *const bad_claims[] = {
    // stale
    "{" BASE "}",
    "{" BASE ",\"exp\":1699999940}",
    "{" BASE ",\"exp\":0}",
    "{" BASE ",\"exp\":-1}",
    "{" BASE ",\"exp\":null}",
    "{" BASE ",\"exp\":true}",
    "{" BASE ",\"exp\":\"1700000300\"}",
    "{" BASE ",\"exp\":[1700000300]}",
    "{" BASE ",\"exp\":9223372036854775807}",
    "{" BASE ",\"exp\":1e300}",
    "{" BASE ",\"exp\":1,\"exp\":1700000300}",
    "{" BASE ",\"exp\":1700000300,\"exp\":1}",
    "{" BASE ",\"exp\":1700000300,\"nbf\":1700000061}",
    "{" BASE ",\"exp\":1700000300,\"nbf\":\"0\"}",
    "{" BASE ",\"exp\":1700000300,\"nbf\":null}",
    "{" BASE ",\"exp\":1700000300,\"iat\":1700000061}",
    "{" BASE ",\"exp\":1700000300,\"iat\":false}",
    "{" BASE ",\"Exp\":1700000300}",
    // for another
    "{" ISS "}",
    "{" ISS ",\"aud\":\"\"}",
    "{" ISS ",\"aud\":null}",
    "{" ISS ",\"aud\":[]}",
    "{" ISS ",\"aud\":{}}",
    "{" ISS ",\"aud\":{\"gitlatch\":true}}",
    "{" ISS ",\"aud\":[[\"gitlatch\"]]}",
    "{" ISS ",\"aud\":\"vault\"}",
    "{" ISS ",\"aud\":\"Gitlatch\"}",
    "{" ISS ",\"aud\":\"gitlatch \"}",
    "{" ISS ",\"aud\":\"gitlatch2\"}",
    "{" ISS ",\"aud\":\"gitlatch,vault\"}",
    "{" ISS ",\"aud\":\"*\"}",
    "{" ISS ",\"aud\":[\"vault\",\"sts.amazonaws.com\"]}",
    "{" ISS ",\"aud\":\"gitlatch\\u0000\"}",
    "{" ISS ",\"aud\":\"vault\",\"aud\":\"gitlatch\"}",
    "{" ISS ",\"azp\":\"gitlatch\"}",
    // of another
    "{" AUD "}",
    "{" AUD ",\"iss\":\"\"}",
    "{" AUD ",\"iss\":null}",
    "{" AUD ",\"iss\":[\"" ISSUER "\"]}",
    "{" AUD ",\"iss\":\"" ISSUER "/\"}",
    "{" AUD ",\"iss\":\"" ISSUER ".evil.test\"}",
    "{" AUD ",\"iss\":\"https://evil.test/" ISSUER "\"}",
    "{" AUD ",\"iss\":\"https://ISSUER.test\"}",
    "{" AUD ",\"iss\":\"http://issuer.test\"}",
    "{" AUD ",\"iss\":\" " ISSUER "\"}",
    "{" AUD ",\"iss\":\"https://other.test\"}", // trusted, but this is not its key
    "{" AUD ",\"iss\":\"https://evil.test\",\"iss\":\"" ISSUER "\"}",
    "{" AUD ",\"iss\":\"" ISSUER "\\u0000\"}",
    // no claims
    "[]",
    "null",
    "\"" ISSUER "\"",
    "",
    "{" BASE ",\"exp\":1700000300",
    "{" BASE ",\"exp\":1700000300}}",
    "{" BASE ",\"exp\":1700000300,}",
    "{" BASE ",\"sub\":\"\xff\",\"exp\":1700000300}",
};

static void test_claims(void **state)
{
    for (size_t kind = 0; kind < FORGE_KEYS; kind++) {
        char *header = good_header(kind);

        for (size_t i = 0; i < GL_ARRAY_SIZE(bad_claims); i++)
            expect_refused(bad_claims[i], kind, forge_token(keys[kind], header, bad_claims[i]));
        mem_free(header);
    }
}

// Takes the two, gives the third.
static char *join(char *input, char *signature)
{
    char *token = mem_format("%s.%s", input, signature);

    mem_free(input);
    mem_free(signature);
    return token;
}

static char *zeros(size_t size)
{
    unsigned char bytes[512] = {0};

    return forge_base64url(bytes, size);
}

static void test_signatures(void **state)
{
    for (size_t kind = 0; kind < FORGE_KEYS; kind++) {
        static const size_t sizes[] = {256, 64, 64};
        char *header = good_header(kind), *input = forge_input(header, CLAIMS("")), *good = good_token(kind), *token;
        char *signature = forge_signature(keys[kind], input);
        size_t size = strlen(good);

        // Another's signature, of each kind of key, over all that is right; and our key's over something else.
        for (size_t i = 0; i < FORGE_KEYS; i++)
            expect_refused("a foreign key", kind, join(mem_string(input), forge_signature(foreign[i], input)));
        for (size_t i = 0; i < FORGE_KEYS; i++) {
            if (i != kind)
                expect_refused("another of its keys", kind, join(mem_string(input), forge_signature(keys[i], input)));
        }
        expect_refused("signed something else", kind, join(mem_string(input), forge_signature(keys[kind], "x.y")));
        expect_refused("no signature", kind, mem_format("%s.", input));
        expect_refused("no signature part", kind, mem_string(input));
        expect_refused("zeros", kind, join(mem_string(input), zeros(sizes[kind]))); // CVE-2022-21449
        expect_refused("one zero", kind, join(mem_string(input), zeros(1)));
        expect_refused("a byte less", kind,
                       join(mem_string(input), mem_format("%.*s", (int)strlen(signature) - 2, signature)));
        expect_refused("more behind", kind, mem_format("%sAAAA", good));
        expect_refused("a fourth part", kind, mem_format("%s.AAAA", good));
        expect_refused("a part before", kind, mem_format("AAAA.%s", good));
        expect_refused("five parts", kind, mem_format("%s.AAAA.AAAA", good));
        expect_refused("padding", kind, mem_format("%s==", good));
        expect_refused("a line end", kind, mem_format("%s\n", good));
        expect_refused("a space", kind, mem_format(" %s", good));
        expect_refused("a JSON serialization", kind,
                       mem_format("{\"payload\":\"x\",\"signatures\":[{\"signature\":\"%s\"}]}", signature));
        expect_refused("an empty header", kind, mem_format(".%s", strchr(good, '.') + 1));
        expect_refused("dots", kind, mem_string(".."));
        // Bits that belong to no byte: another form of the same signature.
        token = mem_string(good);
        token[size - 1] = token[size - 1] == '_' ? '-' : (char)(token[size - 1] + 1);
        expect_refused("its last letter", kind, token);
        // One letter of each part is another.
        for (size_t at = 8; at < size; at += size / 7) {
            token = mem_string(good);
            token[at] = token[at] == 'A' ? 'B' : 'A';
            if (strcmp(token, good) == 0 || good[at] == '.') {
                mem_free(token);
                continue;
            }
            expect_refused("a letter", kind, token);
        }
        // HMAC with what is public, whatever the header says.
        for (size_t i = 0; i < FORGE_KEYS; i++) {
            char *names[] = {mem_format("{\"alg\":\"HS256\",\"kid\":\"%s\"}", key_ids[kind]), mem_string(header)};

            for (size_t j = 0; j < GL_ARRAY_SIZE(names); j++) {
                expect_refused("HMAC with a public key", kind,
                               forge_hmac(bytes_of_string(pems[i]), names[j], CLAIMS("")));
                expect_refused("HMAC with nothing", kind, forge_hmac(BYTES(""), names[j], CLAIMS("")));
                mem_free(names[j]);
            }
        }
        mem_free(signature);
        mem_free(good);
        mem_free(input);
        mem_free(header);
    }
}

// The algorithm is fixed by the key, never by the header: each header with the key id of each other key.
static void test_confused_algorithms(void **state)
{
    for (size_t kind = 0; kind < FORGE_KEYS; kind++) {
        for (size_t named = 0; named < FORGE_KEYS; named++) {
            char header[128];

            if (named == kind)
                continue;
            snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", forge_algorithms[kind], key_ids[named]);
            for (size_t signer = 0; signer < FORGE_KEYS; signer++)
                expect_refused(header, kind, forge_token(keys[signer], header, CLAIMS("")));
        }
    }
}

static void test_large_token(void **state)
{
    char *header = good_header(FORGE_RSA), *filler = mem_alloc(LARGE + 1), *claims, *token;

    memset(filler, 'x', LARGE);
    filler[LARGE] = '\0';
    claims = mem_format("{" BASE ",\"exp\":1700000300,\"more\":\"%s\"}", filler);
    token = forge_token(keys[FORGE_RSA], header, claims);
    expect_refused("over 16 KiB", FORGE_RSA, token);
    mem_free(claims);
    filler[LARGE / 2] = '\0';
    claims = mem_format("{" BASE ",\"exp\":1700000300,\"more\":\"%s\"}", filler);
    token = forge_token(keys[FORGE_RSA], header, claims);
    assert_true(shows(bytes_of_string(token)));
    mem_free(token);
    mem_free(claims);
    mem_free(filler);
    mem_free(header);
}

static void test_nul_inside(void **state)
{
    char *token = good_token(FORGE_RSA);
    size_t size = strlen(token);

    token[size / 2] = '\0';
    assert_false(shows(bytes_of(token, size)));
    refused++;
    mem_free(token);
}

static void test_no_token(void **state)
{
    assert_false(shows(BYTES("")));
    assert_string_equal(verdict.sentence, "there is no token: Authorization: Bearer TOKEN");
    assert_false(shows(BYTES("ghp_0123456789abcdefghijABCDEFGHIJ012345")));
    assert_false(shows(BYTES("not.a.jwt")));
}

// A key that was withdrawn from the file signs no more.
static void test_rotation(void **state)
{
    char *old = good_token(FORGE_RSA),
         *new = forge_token(foreign[FORGE_RSA], "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", CLAIMS(""));

    assert_true(shows(bytes_of_string(old)));
    assert_false(shows(bytes_of_string(new)));
    write_keys(key_file, foreign);
    assert_false(shows(bytes_of_string(old)));
    assert_true(shows(bytes_of_string(new)));
    // A file that cannot be used leaves what was read.
    test_key_write(key_file, "{\"keys\":[]}");
    assert_true(shows(bytes_of_string(new)));
    write_keys(key_file, keys);
    assert_true(shows(bytes_of_string(old)));
    mem_free(old);
    mem_free(new);
}

static void test_matrix_is_large(void **state)
{
    print_message("%u tokens were refused\n", refused);
    assert_true(refused >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_tokens),
        cmocka_unit_test(test_headers_of_real_issuers),
        cmocka_unit_test(test_audience_of_a_holder),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_confused_algorithms),
        cmocka_unit_test(test_large_token),
        cmocka_unit_test(test_nul_inside),
        cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_matrix_is_large),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
