//! The simulators as a connector and a browser without scripts meet them.

mod answer;
mod apple;
mod facebook;
mod google;
mod kakao;
mod line;
mod naver;
mod notices;
mod pages;
mod quirks;
mod support;
