//! ipc-channel: its channel of bytes. Its receiver is polled; its sender waits when the kernel's buffer is full.

use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender, TryRecvError, bytes_channel,
};

use crate::ends::{Lane, ProcessBytes, RecordReceiver, RecordSender};

/// The host's ends: the partner makes both channels and sends these.
type Ends = (IpcBytesSender, IpcBytesReceiver);

/// The ends of this side, which the host gets from its partner when first asked for one.
pub struct IpcChannel {
    server: Option<(IpcOneShotServer<Ends>, String)>,
    sender: Option<IpcBytesSender>,
    receiver: Option<IpcBytesReceiver>,
}

impl IpcChannel {
    fn meet(&mut self) {
        if let Some((server, _)) = self.server.take() {
            let (_, (sender, receiver)) = server.accept().expect("the partner's channels");
            (self.sender, self.receiver) = (Some(sender), Some(receiver));
        }
    }
}

impl ProcessBytes for IpcChannel {
    const NAME: &str = "ipc-channel";
    type Sender = IpcBytesSender;
    type Receiver = IpcBytesReceiver;

    fn host(_: &str, _: usize, _: usize) -> Self {
        let server = IpcOneShotServer::new().expect("a server");
        Self {
            server: Some(server),
            sender: None,
            receiver: None,
        }
    }

    fn guest(invitation: &str, _: usize, _: usize) -> Self {
        let server = IpcSender::<Ends>::connect(invitation.into()).expect("the host's server");
        let (there, back) = (bytes_channel(), bytes_channel());
        let ((there_tx, there_rx), (back_tx, back_rx)) =
            (there.expect("a channel"), back.expect("a channel"));
        server
            .send((there_tx, back_rx))
            .expect("giving the host its ends");
        Self {
            server: None,
            sender: Some(back_tx),
            receiver: Some(there_rx),
        }
    }

    fn invitation(&self) -> String {
        let (_, name) = self.server.as_ref().expect("the partner is not met yet");
        name.clone()
    }

    fn sender(&mut self, _: Lane) -> IpcBytesSender {
        self.meet();
        self.sender.take().expect("one sender")
    }

    fn receiver(&mut self, _: Lane) -> IpcBytesReceiver {
        self.meet();
        self.receiver.take().expect("one receiver")
    }
}

impl RecordSender for IpcBytesSender {
    fn send(&mut self, record: &[u8]) -> bool {
        IpcBytesSender::send(self, record).expect("sending to the channel");
        true
    }
}

impl RecordReceiver for IpcBytesReceiver {
    fn recv(&mut self, into: &mut [u8]) -> Option<usize> {
        match self.try_recv() {
            Ok(record) => {
                into[..record.len()].copy_from_slice(&record);
                Some(record.len())
            }
            Err(TryRecvError::Empty) => None,
            Err(e) => panic!("receiving from the channel: {e:?}"),
        }
    }
}
