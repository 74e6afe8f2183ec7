"""Files that a user attached to one conversation: read like those of the library, found only in
that conversation, and gone with it.

1. The page stores a file below ``DATA_DIR/uploads`` and has it read into the conversation's own
   collection (:mod:`assistant.knowledge.attached`);
2. :func:`assistant.library.open_library` adds that collection to what a turn may use;
3. :class:`AttachedFiles` removes single files, and all of them with their conversation;
4. :class:`Sweep` removes what belongs to conversations that memory has let go.
"""

from assistant.attached.files import AttachedFile, AttachedFiles
from assistant.attached.sweep import Sweep

__all__ = ["AttachedFile", "AttachedFiles", "Sweep"]
