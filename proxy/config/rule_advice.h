// What would allow a request that was refused: the least YAML, and the file and line where it belongs.
#ifndef GITLATCH_RULE_ADVICE_H
#define GITLATCH_RULE_ADVICE_H

#include "bytes.h"
#include "config.h"
#include "text.h"

// `event` is an audit event. Appends `,"advice":{"file","line","rule","yaml"}` where it was denied for want of a rule:
// `rule` names the rule at `line`, before which the YAML belongs (the first match decides), and is absent where none
// matched. Else appends nothing.
void rule_advice_append(const struct config *config, struct bytes event, struct text *text);

#endif
