//! Composition root of mesoclaw: builds the core, serves the socket, owns the life cycle.
