// What mends a failure, said to the operator: the reasons' own remedies speak to who is in the workspace.
#ifndef GITLATCH_OPERATOR_REMEDY_H
#define GITLATCH_OPERATOR_REMEDY_H

#include <gitlatch/reason.h>

// The end of a sentence. "": what was said says it.
const char *operator_remedy(enum reason reason);

#endif
