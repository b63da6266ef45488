#include "web_service.h"

#include <jansson.h>

void web_service_serve(struct call *call)
{
    call_answer(call, 404, "Content-Type: text/html; charset=utf-8\r\n", "<html>Not Found</html>\n", 23);
}

void web_service_echo(struct call *call)
{
    struct mock_text body = {0};
    json_t *headers = json_object();
    bool whole = call_read_all(call, &body);

    for (size_t i = 0; i < call->header_count; i++)
        json_object_set_new(headers, call->headers[i].name, json_string(call->headers[i].value));
    if (whole) {
        call_answer_json(call, 200,
                         json_pack("{s:s,s:s,s:s,s:o,s:I}", "method", call->method, "target", call->target,
                                   "sni", call->wire->sni, "headers", headers, "body_size",
                                   (json_int_t)body.size));
    } else {
        json_decref(headers);
    }
    mock_text_free(&body);
}
