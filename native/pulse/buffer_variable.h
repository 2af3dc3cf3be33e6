/* buffer_variable.h: keeps PULSE_LATENCY_MSEC away from our streams.
 *
 * Games, desktop files and container images set it for a whole session. libpulse then replaces the buffer
 * attributes of every stream that the process connects, those of pa_simple_new() too, and offers no way
 * around (patch_buffer_attr(), the same from 1.0 to 17.0). So the variable's text is emptied while a stream
 * of ours connects, which libpulse ignores; setenv() and unsetenv() would move the environment under threads
 * that read it. Other streams that the process connects at that moment are not affected by the variable
 * either, and a program that it starts then inherits the empty text.
 */
#ifndef VMIC_BUFFER_VARIABLE_H
#define VMIC_BUFFER_VARIABLE_H

/* Empties the variable. May be called from several threads; each calls buffer_variable_restore() afterwards.
 */
void buffer_variable_empty(void);
/* Restores it, when no other thread needs it empty. */
void buffer_variable_restore(void);

#endif
