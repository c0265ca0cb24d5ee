//! The decoder's side of the pictures: each is decoded in a loaned frame and published from there, so none is copied on its way.
//!
//! A picture is made of the one before. That one is not kept anywhere else: the decoder has a view of it, as the engine may have, and lets go of
//! it when the next is there.

use std::sync::Arc;

use ringpad::frames::{Picture, Refused, Ticket};
use ringpad::os::{FrameUser, NotepadWriter, OwnedLoan, OwnedPeer, OwnedView};

use super::film::Film;
use super::shared::{FRAMES, NEWEST, Newest, checksum};
use super::{Careless, Failure};

/// Publishes pictures.
pub struct Publisher {
    pub film: Film,
    /// Which decoder this is.
    decoder: u32,
    careless: Option<Careless>,
    newest: NotepadWriter<Newest>,
    frames: Arc<FrameUser>,
    before: Before,
}

/// The picture before, and which one that is.
enum Before {
    /// Where it was decoded.
    Viewed(Option<(u64, OwnedView)>),
    /// Bytes of a distrusted segment are not lent: there the decoder has pictures of its own, the one before and one to decode the next in.
    Kept(Option<u64>, [Vec<u8>; 2]),
}

impl Publisher {
    pub fn new(
        film: Film,
        me: &OwnedPeer,
        decoder: u32,
        careless: Option<Careless>,
    ) -> Result<Self, Failure> {
        let frames = me.frame_user(FRAMES)?;
        let (bytes, most) = (film.bytes(), frames.frame_bytes());
        if bytes > most.into() {
            let (width, height) = film.size();
            return Err(Failure(format!(
                "pictures of {width}x{height} are larger than the engine takes ({most} bytes): give it a larger --size"
            )));
        }
        let apart = || vec![0; bytes as usize];
        Ok(Self {
            film,
            decoder,
            careless,
            newest: me.notepad_writer(NEWEST)?,
            frames: Arc::new(frames),
            before: match me.segment().is_distrusted() {
                true => Before::Kept(None, [apart(), apart()]),
                false => Before::Viewed(None),
            },
        })
    }

    /// Decodes a picture where it will be looked at, and says that it is there.
    pub fn show(&mut self, number: u64) -> Result<(), Failure> {
        let mut loan = match self.frames.loan_owned() {
            Ok(loan) => loan,
            // Whoever holds them all lives: this picture is left out.
            Err(Refused::NoFrame) => return Ok(()),
            Err(refused) => return Err(refused.into()),
        };
        let sum = match self.careless {
            Some(Careless::Early) => self.decode_half(number, &mut loan)?,
            _ => self.decode(number, &mut loan)?,
        };
        let picture = self.film.picture(number);
        loan.set_picture(&picture);
        let ticket = loan.publish(self.film.bytes() as u32)?;
        let newest = Newest {
            ticket,
            checksum: checksum(sum, &picture),
            decoder: self.decoder,
        };
        self.newest.write(&match self.careless {
            Some(Careless::Lie) => lie(newest, &picture),
            _ => newest,
        });
        if let Before::Viewed(before) = &mut self.before {
            // Nobody else loans frames, so this one cannot be stale. Half a picture is no reference.
            let view = self.frames.view_owned(ticket).ok();
            let view = view.filter(|_| self.careless != Some(Careless::Early));
            *before = view.map(|view| (number, view));
        }
        Ok(())
    }

    fn decode(&mut self, number: u64, loan: &mut OwnedLoan) -> Result<u32, Failure> {
        let len = self.film.bytes() as usize;
        match &mut self.before {
            Before::Viewed(before) => {
                let before = match before {
                    Some((number, view)) => Some((*number, view.bytes()?)),
                    None => None,
                };
                let into = &mut loan.bytes_mut()?[..len];
                self.film.decode(number, before, into)
            }
            Before::Kept(last, [before, next]) => {
                let reference = last.map(|last| (last, &before[..]));
                let sum = self.film.decode(number, reference, next)?;
                loan.write_at(0, next)?;
                *last = Some(number);
                std::mem::swap(before, next);
                Ok(sum)
            }
        }
    }

    /// What must not be done: the other half of the frame is what was there before.
    fn decode_half(&self, number: u64, loan: &mut OwnedLoan) -> Result<u32, Failure> {
        let mut whole = vec![0; self.film.bytes() as usize];
        let sum = self.film.decode(number, None, &mut whole)?;
        loan.write_at(0, &whole[..whole.len() / 2])?;
        Ok(sum)
    }
}

/// What a decoder might say that was taken over by the film it plays: now and then something else that is not so.
fn lie(newest: Newest, picture: &Picture) -> Newest {
    let ticket = newest.ticket;
    let ticket = match picture.sequence % 8 {
        1 => Ticket {
            index: u32::MAX,
            ..ticket
        },
        2 => Ticket {
            generation: 7,
            ..ticket
        },
        3 => Ticket {
            len: u32::MAX,
            ..ticket
        },
        4 => Ticket {
            len: ticket.len - 1,
            ..ticket
        },
        _ => ticket,
    };
    Newest { ticket, ..newest }
}
