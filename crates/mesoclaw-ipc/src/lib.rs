//! Line codec, local socket, server loop, client and autostart of mesoclaw.
