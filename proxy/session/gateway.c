#include "gateway.h"

#include "session.h"

bool gateway_page_asks(const struct head *request)
{
    struct bytes site = head_value(request, FIELD_SEC_FETCH_SITE);

    if (request->count[FIELD_ORIGIN] > 0)
        return true;
    return site.size > 0 && !bytes_equal(site, BYTES("none")) && !bytes_equal(site, BYTES("same-origin"));
}

static bool is_asked_by_name(const struct session *session, const struct head *request, const struct target *target)
{
    struct host_name host;
    uint16_t port;

    if (!host_name_parse_authority(request->host, 80, &host, &port) ||
        !session->context->is_gateway_host(session->context->arg, &host, port))
        return false;
    return target->form != TARGET_ABSOLUTE ||
           (!target->https && target->port == port && host_name_equal(&target->host, &host));
}

bool gateway_route(const struct session *session, const struct head *request, struct target *target,
                   struct host_name *ret_host, uint16_t *ret_port, struct verdict *ret_verdict)
{
    struct bytes path = target->path, segment;
    struct host_name host;
    uint16_t port;

    if (gateway_page_asks(request) || !is_asked_by_name(session, request, target))
        return verdict_set(ret_verdict, REASON_GATEWAY_FOREIGN, NULL);
    if (session->listener->password)
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE,
                           "the gateway is closed on an address that wants a password");
    if (target->form == TARGET_ASTERISK || !target_next_segment(&path, &segment) ||
        !host_name_parse_authority(segment, 443, &host, &port) || path.size == 0)
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE, NULL);
    target->path = path;
    target->form = TARGET_ORIGIN;
    *ret_host = host;
    *ret_port = port;
    return true;
}

bool gateway_may_be_asked(const struct session *session, const struct head *request)
{
    struct target target;

    return target_parse(request->method, request->target, &target, NULL) && !gateway_page_asks(request) &&
           is_asked_by_name(session, request, &target);
}
