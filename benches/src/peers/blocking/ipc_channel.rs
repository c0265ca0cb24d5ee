//! ipc-channel: channels of bytes over sockets, without its serialisation.

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};

use crate::ends::{BlockingEnd, BlockingPeer};
use crate::message::Message;

pub struct IpcChannel;

/// What the guest makes and sends to the host: the host's ends.
type Ends = (IpcBytesSender, IpcBytesReceiver);

pub struct End {
    /// The host's, until the guest has come.
    server: Option<(IpcOneShotServer<Ends>, String)>,
    ends: Option<Ends>,
}

impl End {
    fn ends(&self) -> &Ends {
        self.ends.as_ref().expect("both sides met")
    }
}

impl BlockingPeer for IpcChannel {
    const NAME: &str = "ipc-channel";
    type End<M: Message> = End;

    fn host<M: Message>(_: &str) -> End {
        let server = IpcOneShotServer::new().expect("a server");
        End {
            server: Some(server),
            ends: None,
        }
    }

    fn guest<M: Message>(invitation: &str) -> End {
        let (to_me, from_host) = ipc::bytes_channel().expect("a channel");
        let (to_host, from_me) = ipc::bytes_channel().expect("a channel");
        let host = IpcSender::<Ends>::connect(invitation.into()).expect("the server");
        host.send((to_me, from_me)).expect("sending the ends");
        End {
            server: None,
            ends: Some((to_host, from_host)),
        }
    }
}

impl<M: Message> BlockingEnd<M> for End {
    fn invitation(&self) -> String {
        self.server.as_ref().expect("the host").1.clone()
    }

    fn partner_is_ready(&mut self) {
        let (server, _) = self.server.take().expect("the host");
        self.ends = Some(server.accept().expect("the guest's ends").1);
    }

    fn send(&mut self, message: &M) {
        let bytes = bytemuck::bytes_of(message);
        self.ends().0.send(bytes).expect("the other side");
    }

    fn recv(&mut self) -> M {
        let bytes = self.ends().1.recv().expect("the other side");
        bytemuck::pod_read_unaligned(&bytes)
    }
}
