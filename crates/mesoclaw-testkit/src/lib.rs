//! Test tools of mesoclaw: scripted provider server, daemon harness, PTY with a screen.
