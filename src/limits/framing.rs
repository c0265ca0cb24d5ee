//! What a pool lends: loans and views, and their users.

#![forbid(unsafe_code)]

/// # A loan is published once, and not written after
///
/// ```
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let mut loan = tx.loan()?;
/// loan.bytes_mut()?[0] = 1;
/// let ticket = loan.publish(1)?;
/// let mut next = tx.loan()?;
/// next.bytes_mut()?[0] = 2;
/// assert_eq!(rx.view(ticket)?.bytes()?, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let loan = tx.loan()?;
/// let ticket = loan.publish(1)?;
/// let again = loan.publish(1)?; // moved
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let mut loan = tx.loan()?;
/// let bytes = loan.bytes_mut()?;
/// let ticket = loan.publish(1)?; // borrowed by the bytes
/// bytes[0] = 1;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let mut loan = tx.loan()?;
/// let bytes = loan.bytes_mut()?;
/// let twice = loan.bytes_mut()?; // borrowed by the first
/// bytes[0] = twice[0];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod loans {}

/// # What is viewed is read, while the view lives
///
/// ```
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let ticket = tx.loan()?.publish(1)?;
/// let view = rx.view(ticket)?;
/// let first = view.bytes()?[0];
/// drop(view);
/// assert_eq!(first, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let ticket = tx.loan()?.publish(1)?;
/// let view = rx.view(ticket)?;
/// let bytes = view.bytes()?;
/// drop(view); // borrowed by the bytes
/// let first = bytes[0];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0594
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let ticket = tx.loan()?.publish(1)?;
/// let view = rx.view(ticket)?;
/// view.bytes()?[0] = 1; // for reading only
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0599
/// # use ringpad::{*, frames::{Config, Frames, Receivers}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(4, 64).receivers(1))?;
/// # let (tx, rx) = (pool.bare_user()?, pool.bare_receiver(0)?);
/// let ticket = tx.loan()?.publish(1)?;
/// let view = rx.view(ticket)?;
/// let twin = view.clone();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub mod views {}

/// # Neither a loan nor a view outlives its user, nor a user its peer
///
/// ```
/// # use ringpad::{*, frames::{Config, Frames}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Frames>("pool", &Config::new(4, 64))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let user = segment.open::<Frames>("pool")?.user(&me)?;
/// let loan = user.loan()?;
/// let view = user.view(loan.publish(0)?)?;
/// drop(view);
/// drop(user);
/// drop(me);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Frames>("pool", &Config::new(4, 64))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let user = segment.open::<Frames>("pool")?.user(&me)?;
/// let loan = user.loan()?;
/// drop(user); // borrowed by the loan
/// drop(loan);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Frames>("pool", &Config::new(4, 64))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let user = segment.open::<Frames>("pool")?.user(&me)?;
/// let view = user.view(user.loan()?.publish(0)?)?;
/// drop(user); // borrowed by the view
/// drop(view);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Frames>("pool", &Config::new(4, 64))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let user = segment.open::<Frames>("pool")?.user(&me)?;
/// drop(me); // borrowed by the user
/// let loan = user.loan();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, frames::{Config, Frames}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Frames>("pool", &Config::new(4, 64))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let bell = segment.open::<Frames>("pool")?.user(&me)?.bell();
/// drop(me); // borrowed by the bell
/// let bells = [bell];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Threads share a user and what it lends; a loan is written by one at a time:
/// ```
/// # use ringpad::*;
/// fn shared<T: Send + Sync>() {}
/// shared::<frames::User<'static>>();
/// shared::<frames::View<'static, 'static>>();
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// fn cloned(user: &frames::User<'static>) -> frames::User<'static> { (*user).clone() }
/// ```
pub mod users {}
