//! What the integration tests share: never a mock.
