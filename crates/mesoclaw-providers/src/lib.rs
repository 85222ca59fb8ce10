//! The only crate of mesoclaw that knows rig: cloud and compatible model endpoints.
