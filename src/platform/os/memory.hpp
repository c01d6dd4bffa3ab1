#pragma once

namespace stratolet {

/// Gives back what only a start has needed: memory that was freed, and the pages of code that have been mapped, which
/// come back from the page cache as they are run again. Any thread.
void giveBackMemory();

}
