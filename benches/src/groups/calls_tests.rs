//! Each side by itself beside an end that answers it, soundly or not.

use super::*;

type Word = [u64; 8];

/// Answers calls itself, one of them with the answer to the call before.
struct Answers {
    late: Option<u64>,
    torn: bool,
    calls: u64,
}

impl Client<Word> for Answers {
    fn invitation(&self) -> String {
        String::new()
    }

    fn call(&mut self, request: &Word) -> Word {
        self.calls += 1;
        let number = request.whole_number();
        let late = u64::from(self.late == Some(number));
        let mut answer = Word::numbered(answer_to(number - late));
        if self.torn {
            answer[7] ^= 1;
        }
        answer
    }
}

fn asked(late: Option<u64>, torn: bool) -> u64 {
    let mut client = Answers {
        late,
        torn,
        calls: 0,
    };
    ask(&mut client, 10);
    client.calls
}

#[test]
fn sound_answers_are_taken() {
    assert_eq!(asked(None, false), WARM_UP + 10);
}

#[test]
#[should_panic = "the answer to another call"]
fn an_answer_to_another_call_is_seen() {
    asked(Some(WARM_UP + 3), false);
}

#[test]
#[should_panic = "a torn message"]
fn a_torn_answer_is_seen() {
    asked(None, true);
}

/// Asks by itself; from one request on with the wrong number.
struct Asks {
    next: u64,
    skips: Option<u64>,
    answers: Vec<u64>,
}

impl Server<Word> for Asks {
    fn serve(&mut self, answer: impl FnOnce(&Word) -> Word) {
        if self.skips == Some(self.next) {
            self.next += 1;
        }
        let answer = answer(&Word::numbered(self.next));
        self.answers.push(answer.whole_number());
        self.next += 1;
    }
}

fn served(skips: Option<u64>) -> Vec<u64> {
    let mut server = Asks {
        next: 0,
        skips,
        answers: Vec::new(),
    };
    serve(&mut server, 10);
    server.answers
}

#[test]
fn every_request_has_its_answer() {
    assert_eq!(served(None), Vec::from_iter((0..10).map(answer_to)));
}

#[test]
#[should_panic = "another request came"]
fn a_lost_request_is_seen() {
    served(Some(5));
}

#[test]
fn no_answer_looks_like_its_request() {
    assert!((0..1000).all(|number| answer_to(number) != number));
}
