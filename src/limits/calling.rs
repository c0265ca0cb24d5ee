//! Calls, requests, and the ends that they are of.

#![forbid(unsafe_code)]

/// # A call does not outlive its client, nor the client its peer
///
/// ```
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let client = table.client(&me)?;
/// let call = client.call(&1)?;
/// drop(call);
/// drop(client);
/// drop(me);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let client = table.client(&me)?;
/// let mut call = client.call(&1)?;
/// drop(client); // borrowed by the call
/// let _ = call.poll();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let client = table.client(&me)?;
/// drop(me); // borrowed by the client
/// let call = client.call(&1)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let bell = table.client(&me)?.bell();
/// drop(me); // borrowed by the bell
/// let bells = [bell];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// A call is polled by one, and given up once:
/// ```compile_fail,E0382
/// # use ringpad::{*, rpc::{Config, Poll, Rpc}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let table = Rpc::<u32, u32>::init(Region::from_mut(room.as_mut())?, &Config::new(1, 1))?;
/// let client = table.bare_client()?;
/// let mut call = client.call(&1)?;
/// call.cancel();
/// let _ = call.poll(); // moved
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0599
/// # use ringpad::{*, rpc::{Config, Poll, Rpc}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let table = Rpc::<u32, u32>::init(Region::from_mut(room.as_mut())?, &Config::new(1, 1))?;
/// let client = table.bare_client()?;
/// let call = client.call(&1)?;
/// let twin = call.clone();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// What is asked and answered is what the table is of:
/// ```compile_fail,E0308
/// # use ringpad::{*, rpc::{Config, Poll, Rpc}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let table = Rpc::<u32, u32>::init(Region::from_mut(room.as_mut())?, &Config::new(1, 1))?;
/// let client = table.bare_client()?;
/// let call = client.call(&1u64)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0599
/// # use ringpad::{*, rpc::{Config, Poll, Rpc}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let table = Rpc::<u32, u32>::init(Region::from_mut(room.as_mut())?, &Config::new(1, 1))?;
/// let client = table.bare_client()?;
/// let mut call = client.call(&1)?;
/// let _ = call.poll_into(&mut [0; 4]); // of bytes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod calls {}

/// # A request does not outlive its server
///
/// It may be answered in parts; behind its answer it is late, and says so (a value, no compile error: a reply may be refused, and tried again).
///
/// ```
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let (client, server) = (table.client(&me)?, table.server(&me)?);
/// let call = client.call(&1)?;
/// let mut request = server.next().ok_or("none")?;
/// request.reply(&2)?;
/// assert_eq!(request.reply(&3), Err(rpc::Unsent::Late));
/// drop(request);
/// drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let (client, server) = (table.client(&me)?, table.server(&me)?);
/// let call = client.call(&1)?;
/// let mut request = server.next().ok_or("none")?;
/// drop(server); // borrowed by the request
/// request.reply(&2)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let server = table.server(&me)?;
/// drop(me); // borrowed by the server
/// let request = server.next();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let (client, server) = (table.client(&me)?, table.server(&me)?);
/// let call = client.call(&1)?;
/// let mut request = server.next().ok_or("none")?;
/// drop(request);
/// request.reply(&2)?; // moved
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0308
/// # use ringpad::{*, rpc::{Config, Rpc}};
/// # let mut room = AlignedBytes::<16384>::new();
/// # let plan = Plan::<1>::new().channel::<Rpc<u32, u32>>("calls", &Config::new(1, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// # let table = segment.open::<Rpc<u32, u32>>("calls")?;
/// let (client, server) = (table.client(&me)?, table.server(&me)?);
/// let call = client.call(&1)?;
/// let mut request = server.next().ok_or("none")?;
/// request.reply(&2u64)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod requests {}

/// # An end is one thread's at a time
///
/// ```
/// # use ringpad::*;
/// fn sent<T: Send>() {}
/// sent::<rpc::Client<'static, u32, [u8]>>();
/// sent::<rpc::Server<'static, u32, [u8]>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<rpc::Client<'static, u32, u32>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<rpc::Server<'static, u32, u32>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn sent<T: Send>() {}
/// sent::<rpc::Call<'static, 'static, u32>>(); // it is its client's, which another thread may use meanwhile
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn sent<T: Send>() {}
/// sent::<rpc::Request<'static, 'static, u32, u32>>();
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// fn cloned(client: &rpc::Client<'static, u32, u32>) -> rpc::Client<'static, u32, u32> { (*client).clone() }
/// ```
pub mod ends {}
