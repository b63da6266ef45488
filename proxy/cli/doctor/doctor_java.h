// Java in a workspace: it reads none of the variables, neither the proxy nor the CA. Its trust store is looked at.
#ifndef GITLATCH_DOCTOR_JAVA_H
#define GITLATCH_DOCTOR_JAVA_H

#include "doctor.h"

// Does nothing where there is no java. `temporary` is a directory for what is read from the store.
void doctor_examine_java(struct doctor *doctor, const char *temporary);

#endif
