//! A DHCPv4 client (RFC 2131, figure 5): pure. It is told of time and of messages, and says what to send and what holds.
//!
//! ```text
//!        ┌────────── NAK, expired ───────────────┬───────────┬──────────────┐
//!        ▼                                       │           │              │
//!   Selecting ──offer─▶ Requesting ──ACK─▶ Bound ──T1─▶ Renewing ──T2─▶ Rebinding
//!        ▲                                  │ ▲──────ACK─────┴──────────────┘
//!        └────NAK, silence── Rebooting ◀────┘ the link was gone; ACK: Bound
//! ```
//! A moment is the time since the machine started (CLOCK_BOOTTIME): it goes on while a guest is paused.

pub mod message;

use std::net::Ipv4Addr;
use std::time::Duration;

use message::{Answer, Lease, Question};

pub type Moment = Duration;

/// RFC 2131 begins at 4 s; a machine that should be ready in a blink asks sooner: 16 s in all.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// How long the pauses grow.
const MOST_WAIT: Duration = Duration::from_secs(64);
/// An offer that is not granted by then is forgotten: 4 s.
const REQUESTS_MAX: u32 = 4;
/// How often an address is asked for that we had. 2 s.
const REBOOTS_MAX: u32 = 3;
/// The least pause between two requests for longer (RFC 2131, 4.4.5).
const EXTEND_WAIT: Duration = Duration::from_secs(60);
/// Server after server that lies must not make a busy loop.
const REFUSED_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Selecting,
    Requesting(Lease),
    Rebooting(Bound),
    Bound(Bound),
    Renewing(Bound),
    Rebinding(Bound),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    lease: Lease,
    since: Moment,
}

impl Bound {
    fn end(&self) -> Option<Moment> {
        self.lease.times.lease.map(|lease| self.since + lease)
    }
}

/// What follows from a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// To this server, or to all.
    Send(Option<Ipv4Addr>, Vec<u8>),
    /// This lease holds from now on.
    Hold(Lease),
    /// The address is no longer ours, because of this.
    Lose(&'static str),
}

#[derive(Debug)]
pub struct Client {
    hardware: [u8; 6],
    xid: u32,
    state: State,
    /// Questions of this state so far.
    asked: u32,
    /// When the last question was sent that may be granted: a lease counts from it.
    asked_at: Moment,
    next: Option<Moment>,
}

impl Client {
    /// `seed` differs between neighbours and between boots; it need not be secret.
    pub fn new(hardware: [u8; 6], seed: u32, now: Moment) -> Client {
        Client { hardware, xid: seed, state: State::Selecting, asked: 0, asked_at: now, next: Some(now) }
    }

    /// When [`Client::step`] must run next.
    pub fn due(&self) -> Option<Moment> {
        self.next
    }

    /// Whether an answer is awaited. Else no socket is needed.
    pub fn is_asking(&self) -> bool {
        !matches!(self.state, State::Bound(_))
    }

    pub fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound(_) | State::Renewing(_) | State::Rebinding(_))
    }

    /// The address that is asked for longer.
    #[cfg(test)]
    fn address(&self) -> Option<Ipv4Addr> {
        match &self.state {
            State::Renewing(bound) | State::Rebinding(bound) => Some(bound.lease.address),
            _ => None,
        }
    }

    /// The link is there again: is the address still ours?
    pub fn link_returned(&mut self, now: Moment) {
        let state = std::mem::replace(&mut self.state, State::Selecting);
        let state = match state {
            State::Bound(bound) | State::Renewing(bound) | State::Rebinding(bound) => State::Rebooting(bound),
            State::Rebooting(bound) => State::Rebooting(bound),
            State::Selecting | State::Requesting(_) => State::Selecting,
        };
        self.enter(state, now);
    }

    /// Does what is due.
    pub fn step(&mut self, now: Moment) -> Vec<Do> {
        if self.next.is_none_or(|next| next > now) {
            return vec![];
        }
        match self.state.clone() {
            State::Selecting => self.ask_all(Question::Discover, now),
            State::Requesting(_) if self.asked >= REQUESTS_MAX => self.again(now),
            State::Requesting(offer) => self.ask_all(Question::Request(offer.address, offer.server), now),
            State::Rebooting(_) if self.asked >= REBOOTS_MAX => self.lose("no server knows it any more", now),
            State::Rebooting(bound) => self.ask_all(Question::Reboot(bound.lease.address), now),
            State::Bound(bound) | State::Renewing(bound) | State::Rebinding(bound) => self.extend(bound, now),
        }
    }

    /// Renews, rebinds or lets go, by the time.
    fn extend(&mut self, bound: Bound, now: Moment) -> Vec<Do> {
        let rebind = bound.since + bound.lease.times.rebind;
        if bound.end().is_some_and(|end| end <= now) {
            return self.lose("the lease is over", now);
        }
        let (address, server) = (bound.lease.address, bound.lease.server);
        let (until, to) = match now < rebind {
            true => (rebind, Some(server)),
            false => (bound.end().unwrap_or(now + MOST_WAIT), None),
        };
        if matches!(self.state, State::Bound(_)) || to.is_none() && matches!(self.state, State::Renewing(_)) {
            self.xid = self.xid.wrapping_add(1);
        }
        self.state = if to.is_some() { State::Renewing(bound) } else { State::Rebinding(bound) };
        let left = until.saturating_sub(now);
        self.next = Some(now + (left / 2).max(EXTEND_WAIT.min(left)));
        self.asked_at = now;
        vec![Do::Send(to, self.message(Question::Extend(address)))]
    }

    /// What a message changes. What is not for us, or makes no sense, changes nothing.
    pub fn hear(&mut self, bytes: &[u8], now: Moment) -> Vec<Do> {
        let Some(answer) = message::parse(bytes, self.xid.to_be_bytes(), self.hardware) else {
            return vec![];
        };
        match (self.state.clone(), answer) {
            (State::Selecting, Answer::Offer(offer)) => {
                self.enter(State::Requesting(offer), now);
                self.step(now)
            }
            (State::Requesting(offer), Answer::Ack(lease))
                if (offer.server, offer.address) == (lease.server, lease.address) =>
            {
                self.hold(lease)
            }
            (State::Requesting(offer), Answer::Nak(server))
                if server.is_none_or(|server| server == offer.server) =>
            {
                self.again(now)
            }
            (State::Rebooting(bound), Answer::Ack(lease)) if lease.address == bound.lease.address => {
                self.hold(lease)
            }
            (State::Renewing(bound), Answer::Ack(lease))
                if (bound.lease.server, bound.lease.address) == (lease.server, lease.address) =>
            {
                self.hold(lease)
            }
            (State::Rebinding(bound), Answer::Ack(lease)) if lease.address == bound.lease.address => {
                self.hold(lease)
            }
            (State::Renewing(bound), Answer::Nak(Some(server))) if server == bound.lease.server => {
                self.lose("the server takes it back", now)
            }
            (State::Rebooting(_) | State::Rebinding(_), Answer::Nak(Some(_))) => {
                self.lose("a server takes it back", now)
            }
            _ => vec![],
        }
    }

    fn hold(&mut self, lease: Lease) -> Vec<Do> {
        let since = self.asked_at;
        self.next = lease.times.lease.map(|_| since + lease.times.renew.max(REFUSED_WAIT));
        self.asked = 0;
        self.state = State::Bound(Bound { lease: lease.clone(), since });
        vec![Do::Hold(lease)]
    }

    fn lose(&mut self, why: &'static str, now: Moment) -> Vec<Do> {
        self.again(now);
        vec![Do::Lose(why)]
    }

    /// From the beginning, after a pause.
    fn again(&mut self, now: Moment) -> Vec<Do> {
        self.enter(State::Selecting, now + REFUSED_WAIT);
        vec![]
    }

    fn enter(&mut self, state: State, next: Moment) {
        // Requests go on with the question's number that the offer answered (RFC 2131, 4.4.1).
        if !matches!(state, State::Requesting(_)) {
            self.xid = self.xid.wrapping_add(1);
        }
        (self.state, self.asked, self.next) = (state, 0, Some(next));
    }

    fn ask_all(&mut self, question: Question, now: Moment) -> Vec<Do> {
        let wait = FIRST_WAIT.saturating_mul(1 << self.asked.min(8)).min(MOST_WAIT);
        self.asked += 1;
        self.asked_at = now;
        self.next = Some(now + wait);
        vec![Do::Send(None, self.message(question))]
    }

    fn message(&self, question: Question) -> Vec<u8> {
        message::compose(self.xid.to_be_bytes(), self.hardware, question)
    }
}

#[cfg(test)]
#[path = "dhcp_test.rs"]
pub mod tests;
