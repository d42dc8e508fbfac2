//! What server and agents say to each other: messages and session state machines. No sockets.
