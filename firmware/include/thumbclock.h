/* What thumbclock's firmware offers to a program and asks of it. */
#ifndef THUMBCLOCK_H
#define THUMBCLOCK_H

/* A constant array that goes where `--place weights=...` says. */
#define TC_WEIGHTS __attribute__((section(".tc_weights")))

/* An initialised variable in the memory of the data role. Zero-initialised ones need nothing:
 * .bss lies there too, and takes no room in flash. */
#define TC_DATA __attribute__((section(".tc_data")))

/* Every program: its exit code is what main returns. */
int main(void);

/* A program built with the harness: runs the kernel once on its own static arrays. */
void tc_kernel(void);

/* The simulator stops here: memory is set up, the kernel has not run yet. */
void tc_ready(void);

/* Ends the program through semihosting with an exit code. */
void tc_exit(int code) __attribute__((noreturn));

/* Text to the host through semihosting; tc_puts adds no newline. */
void tc_putc(char character);
void tc_puts(const char *text);

#endif
