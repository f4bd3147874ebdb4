/* What power-cut.c tells step-kill.c: which call is about to be made, or has just been made. */
#include <stddef.h>

enum step_call { STEP_WRITE, STEP_READ, STEP_SYNC, STEP_LINK };

/* `bytes`: what is written, or what was read. */
void step_here(int call_is_over, enum step_call call, int fd, const void *bytes, size_t size);
