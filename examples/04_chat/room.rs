//! A room: one segment with a mailslot for each who may speak.

use ringpad::mailslot::{Config, Mailslot, Next, Start};
use ringpad::os::Waiter;
use ringpad::os::{Error, Options, OwnedBell, OwnedPeer, Publisher, SharedSegment, Subscriber};
use ringpad::{Error as RegionError, Life, Plan};

use super::Failure;
use super::message::{Kind, MOST, Message, parts};

/// Who may speak at once.
const VOICES: usize = 8;
/// What each of them said last: so many messages may be heard late.
const DEPTH: u32 = 64;
/// What these mailslots hold, for whoever opens them: another number, another chat.
const TAG: u64 = u64::from_le_bytes(*b"chat---1");

fn voice_name(number: usize) -> String {
    format!("voice-{number}")
}

fn plan() -> ringpad::Result<Plan<VOICES>> {
    // Two rows more than voices: for who comes ninth to be told so, and for who is just leaving.
    let mut plan = Plan::<VOICES>::new().peers(VOICES as u32 + 2)?;
    let config = Config::bytes(DEPTH, MOST as u32).tagged(TAG);
    for number in 1..=VOICES {
        plan = plan.channel::<Mailslot<[u8]>>(&voice_name(number), &config)?;
    }
    Ok(plan)
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub name: String,
    pub at_ns: u64,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Came,
    Said(String),
    Left,
    /// Proven dead, and has not said goodbye.
    Killed,
    /// So many messages were overwritten before they were heard.
    Missed(u64),
    /// Bytes that are no message.
    Nonsense,
}

/// The mailslot that one speaks through.
pub struct Voice {
    end: Publisher<[u8]>,
    number: usize,
    name: String,
}

impl Voice {
    /// Claims the first mailslot that nobody alive speaks through.
    fn claim(me: &OwnedPeer, name: &str) -> Result<Self, Failure> {
        for number in 1..=VOICES {
            match me.publisher(&voice_name(number)) {
                Ok(end) => {
                    let name = name.to_owned();
                    return Ok(Self { end, number, name });
                }
                Err(Error::Channel {
                    why: RegionError::EndpointTaken { .. },
                    ..
                }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let text = format!("the room is full: {VOICES} speak in it; wanted less than {VOICES}");
        Err(Failure(text))
    }

    /// Which of the voices it is.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Says a line, in parts if it is long. Answers how many messages that took. Never waits.
    pub fn say(&mut self, line: &str) -> Result<u64, Failure> {
        let mut count = 0;
        for part in parts(line.trim_end()) {
            self.publish(Kind::Said, part)?;
            count += 1;
        }
        Ok(count)
    }

    /// Says goodbye. What was said stays.
    pub fn leave(mut self) -> Result<(), Failure> {
        self.publish(Kind::Left, "")
    }

    fn publish(&mut self, kind: Kind, text: &str) -> Result<(), Failure> {
        let message = Message::new(kind, &self.name, text).encode();
        // One copy, however many listen. The system is called only if somebody sleeps.
        self.end.publish(&message)?;
        Ok(())
    }
}

/// One voice, as it is listened to.
struct Ear {
    number: usize,
    mail: Subscriber<[u8]>,
    /// From this number on, what is heard was said here.
    mine_from: Option<u64>,
    /// Who speaks through it and has not said goodbye: name and process.
    present: Option<(String, u32)>,
    /// When the last message was sent.
    last_ns: u64,
}

/// What one listens to: all voices, also one's own (whose goodbye ends the loop that sleeps).
pub struct Room {
    segment: SharedSegment,
    ears: Vec<Ear>,
    bells: Vec<OwnedBell>,
    waiter: Waiter,
    over: bool,
}

impl Room {
    /// Enters, and says so.
    pub fn enter(room: &str, name: &str) -> Result<(Voice, Self), Failure> {
        // Whoever comes first makes the room; the last one out removes it, also if it was killed (then the next one does).
        let segment =
            SharedSegment::open_or_create(&format!("chat-{room}"), &plan()?, &Options::new())?;
        let me = segment.join()?;
        let mut voice = Voice::claim(&me, name)?;
        let ear = |number: usize| -> Result<Ear, Error> {
            Ok(Ear {
                number,
                mail: me.subscriber(&voice_name(number), Start::Oldest)?,
                mine_from: (number == voice.number).then(|| voice.end.next_sequence()),
                present: None,
                last_ns: 0,
            })
        };
        let ears: Vec<Ear> = (1..=VOICES).map(ear).collect::<Result<_, _>>()?;
        voice.publish(Kind::Came, "")?;
        let room = Self {
            bells: ears.iter().map(|ear| ear.mail.bell()).collect(),
            waiter: me.waiter()?,
            ears,
            segment,
            over: false,
        };
        Ok((voice, room))
    }

    /// Whether one's own goodbye was heard.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The names of those who are here.
    pub fn others(&self) -> Vec<&str> {
        let names = self.ears.iter().filter_map(|ear| ear.present.as_ref());
        names.map(|(name, _)| name.as_str()).collect()
    }

    /// Sleeps until there is something new.
    pub fn sleep(&mut self) -> Result<Vec<Heard>, Failure> {
        let Self {
            segment,
            ears,
            bells,
            waiter,
            over,
        } = self;
        // Asked again after every ring, after every death of a peer, and once a second for what nobody could ring for.
        let news = waiter.wait(bells, None, || match listen(segment, ears, over) {
            Ok(heard) if heard.is_empty() && !*over => None,
            other => Some(other),
        })?;
        news.unwrap_or_else(|| Ok(Vec::new()))
    }

    /// What is new, without sleeping.
    pub fn listen(&mut self) -> Result<Vec<Heard>, Failure> {
        listen(&self.segment, &mut self.ears, &mut self.over)
    }
}

fn listen(
    segment: &SharedSegment,
    ears: &mut [Ear],
    over: &mut bool,
) -> Result<Vec<Heard>, Failure> {
    let mut heard = Vec::new();
    for ear in ears {
        *over |= ear.listen(segment, &mut heard)?;
    }
    // Each voice came in its own order, and this leaves it so: of one process, time only grows.
    heard.sort_by_key(|heard| heard.at_ns);
    Ok(heard)
}

impl Ear {
    /// Takes what is there. True if one's own goodbye was.
    fn listen(&mut self, segment: &SharedSegment, heard: &mut Vec<Heard>) -> Result<bool, Failure> {
        let mut over = self.take(heard)?;
        if self.present.is_some() && self.is_silent(segment) {
            // In this order: what was said just before the death, or the goodbye, is not to be overlooked. And if somebody
            // else has come to this voice meanwhile, that is noticed in passing.
            let silent = self.pid();
            over |= self.take(heard)?;
            if self.pid() == silent {
                self.bury(heard);
            }
        }
        Ok(over)
    }

    fn pid(&self) -> Option<u32> {
        self.present.as_ref().map(|(_, pid)| *pid)
    }

    /// Whether who spoke through it is dead, or has given it back. Makes system calls.
    fn is_silent(&self, segment: &SharedSegment) -> bool {
        let Some(peer) = self.mail.publisher() else {
            return true;
        };
        // The row of a dead one is soon another's: it is asked who sits there, and not only whether that one lives.
        let same = segment
            .occupant(peer)
            .is_some_and(|holder| Some(holder.pid) == self.pid());
        !same || segment.life(peer) == Life::Dead
    }

    fn take(&mut self, heard: &mut Vec<Heard>) -> Result<bool, Failure> {
        let mut bytes = [0; MOST];
        let mut over = false;
        loop {
            match self.mail.poll_into(&mut bytes)? {
                Next::Mail { sequence, value } => {
                    let message = Message::decode(&bytes[..value]);
                    if self.mine_from.is_some_and(|from| sequence >= from) {
                        // Whoever had this voice before went without a word.
                        self.bury(heard);
                        over |= message.is_some_and(|message| message.kind == Kind::Left);
                    } else {
                        self.hear(message, heard);
                    }
                }
                Next::Lapped { lost } if self.mine_from.is_none() => {
                    self.push(heard, None, Event::Missed(lost));
                }
                Next::Lapped { .. } => {} // one knows what one said
                Next::Empty => return Ok(over),
            }
        }
    }

    fn hear(&mut self, message: Option<Message<'_>>, heard: &mut Vec<Heard>) {
        let Some(message) = message else {
            self.push(heard, None, Event::Nonsense);
            return;
        };
        let name = message.name.into_owned();
        let event = match message.kind {
            Kind::Came => {
                self.bury(heard);
                Event::Came
            }
            Kind::Said => Event::Said(message.text.into_owned()),
            Kind::Left => Event::Left,
        };
        self.last_ns = message.at_ns;
        // The hello may have been overwritten: who says something is here too.
        let is_here = message.kind != Kind::Left;
        self.present = is_here.then(|| (name.clone(), message.pid));
        self.push(heard, Some(name), event);
    }

    /// Whoever was here is gone, and has not said so.
    fn bury(&mut self, heard: &mut Vec<Heard>) {
        if let Some((name, _)) = self.present.take() {
            self.push(heard, Some(name), Event::Killed);
        }
    }

    /// Adds an event of now, as far as this voice knows the time.
    fn push(&self, heard: &mut Vec<Heard>, name: Option<String>, event: Event) {
        let present = self.present.as_ref().map(|(name, _)| name.clone());
        heard.push(Heard {
            name: name.or(present).unwrap_or_else(|| voice_name(self.number)),
            at_ns: self.last_ns,
            event,
        });
    }
}
