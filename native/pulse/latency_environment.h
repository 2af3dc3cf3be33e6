/* latency_environment.h: keeps PULSE_LATENCY_MSEC away from our streams.
 *
 * Games, desktop files and container images set it for a whole session. libpulse then replaces the buffer
 * attributes of every stream that the process connects, also with pa_simple_new(), and offers no way around
 * this (patch_buffer_attr(), the same from 1.0 to 17.0). So we empty the variable's text while one of our
 * streams connects: libpulse ignores an empty text. setenv() and unsetenv() would move the environment while
 * other threads read it. Other streams that the process connects at that moment are not affected by the
 * variable either, and a program that the process starts then inherits the empty text.
 */
#ifndef VMIC_LATENCY_ENVIRONMENT_H
#define VMIC_LATENCY_ENVIRONMENT_H

/* Empty the variable. Several threads may call this; each must call latency_environment_restore() afterwards.
 */
void latency_environment_empty(void);
/* Restore the variable when no other thread needs it empty. */
void latency_environment_restore(void);

#endif
