#include "lfs_service.h"

void lfs_service_serve(struct call *call)
{
    call_answer_text(call, 404, "Not found.\n");
}
