// Interrupts: the first SIGINT or SIGTERM asks for an orderly end, and so does SIGPIPE, when nobody reads the output
// any more. A second SIGINT ends the process at once.
#pragma once

namespace netc::runtime {

// From now on signals are noted. Signal handlers belong to the process, so the note does, too.
void watch_interrupts();
// The signal that asked to end, or 0.
int interrupted();

}  // namespace netc::runtime
