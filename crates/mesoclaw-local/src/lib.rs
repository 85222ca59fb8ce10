//! The embedded model engine of mesoclaw: GGUF chat models in this process, catalogue and pull.
