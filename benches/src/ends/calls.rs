//! Requests of one process that another answers.

use crate::message::Message;

/// Calls between two processes. The process that measures asks, its partner answers.
pub trait CallPeer {
    const NAME: &str;
    type Client<M: Message>: Client<M>;
    type Server<M: Message>: Server<M>;
    /// In the process that measures, before its partner starts. `meeting` is a name that nobody else uses.
    fn client<M: Message>(meeting: &str) -> Self::Client<M>;
    /// In the partner: what the client made.
    fn server<M: Message>(invitation: &str) -> Self::Server<M>;
}

/// The end that asks.
pub trait Client<M> {
    /// What the partner is told in place of the meeting's name.
    fn invitation(&self) -> String;
    /// In the process that measures, once the partner is ready.
    fn partner_is_ready(&mut self) {}
    /// Asks, and waits for the answer in the way of its group: polling or asleep.
    fn call(&mut self, request: &M) -> M;
}

/// The end that answers.
pub trait Server<M> {
    /// Waits for one request in the way of its group, and answers it.
    fn serve(&mut self, answer: impl FnOnce(&M) -> M);
}
