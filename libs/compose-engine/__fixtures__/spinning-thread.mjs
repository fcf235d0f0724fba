// Computes for ever and tells nothing.
for (;;);
