/* main.h - the application: a board's start code calls it when RAM is as C expects it. It does not return. */
#ifndef YIMA_MAIN_H
#define YIMA_MAIN_H

int firmware_main(void);
#endif
