#include "service_query.h"

// Whether a query is written in characters that every server reads alike: no encoding, no brackets, and no `;`,
// at which old servers part parameters, too.
static bool query_is_plain(struct bytes query)
{
    for (size_t i = 0; i < query.size; i++) {
        switch (query.data[i]) {
        case '\0':
        case '%':
        case '+':
        case ';':
        case '[':
        case ']':
            return false;
        }
    }
    return true;
}

// The one parameter of info/refs tells the service. Written twice, two readers could differ.
bool service_query_parse(struct bytes query, enum operation_kind *ret_kind, struct verdict *ret_verdict)
{
    struct bytes parameter, name, value;
    struct bytes service = {0};
    size_t count = 0;

    if (!query_is_plain(query))
        return verdict_set(ret_verdict, REASON_NAME_MALFORMED,
                           "the query of info/refs holds an encoding, brackets or a `;`");
    while (query.size) {
        bytes_cut(query, '&', &parameter, &query);
        bytes_cut(parameter, '=', &name, &value);
        if (bytes_equal_nocase(name, BYTES("service"))) {
            service = value;
            count++;
        }
    }
    if (count > 1)
        return verdict_set(ret_verdict, REASON_NAME_MALFORMED, "info/refs names more than one service");
    if (count == 0)
        return verdict_set(ret_verdict, REASON_DUMB_PROTOCOL, NULL);

    if (bytes_equal(service, BYTES("git-upload-pack")))
        *ret_kind = OPERATION_FETCH_REFS;
    else if (bytes_equal(service, BYTES("git-receive-pack")))
        *ret_kind = OPERATION_PUSH_REFS;
    else if (bytes_equal(service, BYTES("git-upload-archive")))
        return verdict_set(ret_verdict, REASON_UPLOAD_ARCHIVE, NULL);
    else
        return verdict_set(ret_verdict, REASON_DUMB_PROTOCOL, "only git-upload-pack and git-receive-pack are served");
    return true;
}
