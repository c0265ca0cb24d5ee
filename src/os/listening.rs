//! Owned ends of notepads and mailslots: claimed by peers, or made for a segment that is only looked at.

#![forbid(unsafe_code)]

use super::owned::{OwnedBell, OwnedPeer, OwnedRinger, of_channel};
use super::shared::SharedSegment;
use super::{NotepadReader, NotepadWriter, Publisher, ReliablePublisher, ReliableSubscriber};
use super::{Result, Subscriber};
use crate::mailslot::reliable::Reliable;
use crate::mailslot::{Mailslot, Start};
use crate::notepad::Notepad;
use crate::segment::claim::Court;
use crate::{Channel, Content};

impl OwnedPeer {
    /// Claims the writing end of a notepad; one whose owner is proven dead is taken over.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Notepad::writer`].
    pub fn notepad_writer<T: Content + ?Sized>(&self, name: &str) -> Result<NotepadWriter<T>> {
        self.claim(name, Notepad::<T>::write_as)
    }

    /// A reader of a notepad, which can sleep until the next version.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open).
    pub fn notepad_reader<T: Content + ?Sized>(&self, name: &str) -> Result<NotepadReader<T>> {
        let pad: Notepad<'static, T> = self.segment().opened(name)?;
        Ok(pad.reader_with(self.clone()))
    }

    /// Claims the publishing end of a mailslot; one whose owner is proven dead is taken over.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Mailslot::publisher`].
    pub fn publisher<T: Content + ?Sized>(&self, name: &str) -> Result<Publisher<T>> {
        self.claim(name, Mailslot::<T>::publish_as)
    }

    /// A subscriber of a mailslot, which can sleep until the next message.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open).
    pub fn subscriber<T: Content + ?Sized>(
        &self,
        name: &str,
        start: Start,
    ) -> Result<Subscriber<T>> {
        let slot: Mailslot<'static, T> = self.segment().opened(name)?;
        Ok(slot.subscriber_with(start, self.clone()))
    }

    /// Claims the publishing end of a reliable mailslot; one whose owner is proven dead is taken over.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Reliable::publisher`].
    pub fn reliable_publisher<T: Content + ?Sized>(
        &self,
        name: &str,
    ) -> Result<ReliablePublisher<T>> {
        self.claim(name, Reliable::<T>::publish_as)
    }

    /// Claims a cursor of a reliable mailslot: a free one, or that of a subscriber that is proven dead.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Reliable::subscriber`].
    pub fn reliable_subscriber<T: Content + ?Sized>(
        &self,
        name: &str,
        start: Start,
    ) -> Result<ReliableSubscriber<T>> {
        self.claim(
            name,
            |slot: &Reliable<'static, T>, who, ringer: OwnedRinger| {
                slot.subscribe_as(start, who, ringer)
            },
        )
    }

    /// Listens to a reliable mailslot as to a lossy one: nobody waits for an observer.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open).
    pub fn observer<T: Content + ?Sized>(&self, name: &str, start: Start) -> Result<Subscriber<T>> {
        let slot: Reliable<'static, T> = self.segment().opened(name)?;
        Ok(slot.observer_with(start, self.clone()))
    }
}

impl SharedSegment {
    /// A channel, for handles that keep this segment.
    fn opened<C: Channel<'static>>(&self, name: &str) -> Result<C> {
        let opened = self.inner.segment.open::<C>(name);
        opened.map_err(|why| of_channel(name, why))
    }

    /// A reader of a notepad, for a party that did not join: it polls.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open).
    pub fn notepad_reader<T: Content + ?Sized>(
        &self,
        name: &str,
    ) -> Result<NotepadReader<T, SharedSegment>> {
        let pad: Notepad<'static, T> = self.opened(name)?;
        Ok(pad.reader_with(self.clone()))
    }

    /// A subscriber of a mailslot, for a party that did not join: it polls.
    ///
    /// # Errors
    ///
    /// As [`SharedSegment::notepad_reader`].
    pub fn subscriber<T: Content + ?Sized>(
        &self,
        name: &str,
        start: Start,
    ) -> Result<Subscriber<T, SharedSegment>> {
        let slot: Mailslot<'static, T> = self.opened(name)?;
        Ok(slot.subscriber_with(start, self.clone()))
    }

    /// An observer of a reliable mailslot, for a party that did not join: it polls, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// As [`SharedSegment::notepad_reader`].
    pub fn observer<T: Content + ?Sized>(
        &self,
        name: &str,
        start: Start,
    ) -> Result<Subscriber<T, SharedSegment>> {
        let slot: Reliable<'static, T> = self.opened(name)?;
        Ok(slot.observer_with(start, self.clone()))
    }
}

impl SharedSegment {
    /// Who decides whether an owner lives.
    fn court(&self) -> Court<'_> {
        Court {
            table: Some(self.inner.segment.table()),
            oracle: &self.inner.oracle,
        }
    }
}

impl<T: Content + ?Sized> NotepadReader<T> {
    /// What to wait at for the next version: until [`NotepadReader::changed`].
    pub fn bell(&self) -> OwnedBell {
        self.bell_with(self.keep.clone())
    }

    /// True if nobody alive holds the writer's end now. Another may come. Asks the system whether the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned_by(&self.keep.segment().court())
    }
}

impl<T: Content + ?Sized> NotepadReader<T, SharedSegment> {
    /// True if nobody alive holds the writer's end now. Another may come. Asks the system whether the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned_by(&self.keep.court())
    }
}

impl<T: Content + ?Sized> Subscriber<T> {
    /// What to wait at for messages.
    pub fn bell(&self) -> OwnedBell {
        self.bell_with(self.keep.clone())
    }

    /// True if nobody alive holds the publisher's end now. Messages may still be here, and another may come. Asks the system whether
    /// the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned_by(&self.keep.segment().court())
    }
}

impl<T: Content + ?Sized> Subscriber<T, SharedSegment> {
    /// True if nobody alive holds the publisher's end now. Messages may still be here, and another may come. Asks the system whether
    /// the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned_by(&self.keep.court())
    }
}
