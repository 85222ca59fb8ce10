//! Operation handlers, session actors, event bus, approvals and boot of mesoclaw.
