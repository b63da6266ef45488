// `gitlatch run --summary`.
#include "run_summary.h"

#include "cmocka_unit.h"

static void deeds_are_told_once_with_their_bytes(void **state)
{
    static const char events[] =
        "{\"event\":\"mint\",\"repository\":\"acme/widgets\"}\n"
        "{\"event\":\"request\",\"operation\":\"fetch\",\"repository\":\"acme/widgets\",\"decision\":\"allow\","
        "\"status\":200,\"bytes_up\":100,\"bytes_down\":1024}\n"
        "{\"event\":\"request\",\"operation\":\"fetch\",\"repository\":\"acme/widgets\",\"decision\":\"allow\","
        "\"status\":200,\"bytes_up\":924,\"bytes_down\":1048576}\n"
        "{\"event\":\"request\",\"operation\":\"push\",\"repository\":\"acme/widgets\",\"decision\":\"allow\","
        "\"status\":200,\"bytes_up\":0,\"bytes_down\":0}\n"
        "{\"event\":\"request\",\"operation\":\"push\",\"repository\":\"acme/widgets\",\"decision\":\"allow\","
        "\"status\":200,\"bytes_up\":2048,\"bytes_down\":0,\"refs\":[{\"ref\":\"refs/heads/agent/x\"}]}\n"
        "{\"event\":\"request\",\"operation\":\"push\",\"repository\":\"acme/widgets\",\"decision\":\"deny\",\"reason\":"
        "\"ref_not_allowed\",\"status\":200,\"refs\":[{\"ref\":\"refs/heads/main\"},{\"ref\":\"refs/heads/b\"}]}\n"
        "not an event\n{\"torn";
    struct text text = {0};

    run_summary_write(&text, bytes_of_string(events), 1500);
    assert_string_equal(text_string(&text),
                        "gitlatch run: 1.5 s\n"
                        "  fetched  acme/widgets, 2 requests: 1.0 MiB down, 1.0 KiB up\n"
                        "  pushed   acme/widgets refs/heads/agent/x: 0.0 KiB down, 2.0 KiB up\n"
                        "  refused  push of acme/widgets (2 refs) (ref_not_allowed): 0.0 KiB down, 0.0 KiB up\n");
    text_free(&text);
}

static void nothing_is_said_to_be_nothing(void **state)
{
    struct text text = {0};

    run_summary_write(&text, BYTES(""), 40);
    assert_string_equal(text_string(&text), "gitlatch run: 0.0 s, nothing went through the proxy\n");
    text_free(&text);
}

static void no_control_character_is_written(void **state)
{
    static const char event[] = "{\"event\":\"request\",\"operation\":\"fetch\",\"repository\":\"a\\u001b[2Jb\"}";
    struct text text = {0};

    run_summary_write(&text, bytes_of_string(event), 0);
    assert_string_equal(text_string(&text), "gitlatch run: 0.0 s\n  fetched  a?[2Jb: 0.0 KiB down, 0.0 KiB up\n");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deeds_are_told_once_with_their_bytes),
        cmocka_unit_test(nothing_is_said_to_be_nothing),
        cmocka_unit_test(no_control_character_is_written),
    };

    return cmocka_run_group_tests_name("run_summary", tests, NULL, NULL);
}
