# frozen_string_literal: true

# What all errors of the gem have in common; doozer/errors.rb has one class for each kind.

module Doozer
  # Why a call failed. Its message is the kind, the operation, the path and the detail: `REV_MISMATCH: set /a: ...`.
  class Error < StandardError
    # The operation that failed, such as "set".
    attr_reader :operation
    # The path or glob it was about; nil if it was about none.
    attr_reader :path
    # What there is to say beyond the kind; may be empty.
    attr_reader :detail
    # Which part of a transaction refused it, counted from 1: [:compare, 2] or [:operation, 2]; nil if none did.
    attr_reader :part

    def initialize(message = nil, operation: nil, path: nil, detail: nil, retryable: false, part: nil)
      super(message)
      @operation = operation
      @path = path
      @detail = detail
      @part = part
      @retryable = retryable
    end

    # The kind's name, the same in every language, such as "REV_MISMATCH".
    def kind = self.class::KIND

    # The kind's permanent number.
    def number = self.class::NUMBER

    # Whether the same call may be made again as it is, without looking first. False for a write whose outcome is not
    # known, and for what fails again until something else changes.
    def retryable? = @retryable

    # Made by the native part.
    def self.of(number, message, operation, path, detail, retryable, part)
      ERRORS.fetch(number, Other).new(message, operation:, path:, detail:, retryable:, part:)
    end
    private_class_method :of
  end
end
